"""websearch and codesearch against stand-ins for each service, which answer only what they understand."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mimocode import hookimpl
from mimocode.host import Host
from mimocode.ports import Places, Workspace
from mimocode.testing import MemoryStore
from mimocode_plugins.tools import websearch
from mimocode_plugins.tools.websearch.server import build
from support.calling import Tools, connected
from support.catalogues import catalogue
from support.site import Answer, Site, site

RESULTS = [
    {"title": "A <b>title</b> &amp; more", "url": "https://a.test/x", "content": "Some\n words"},
    {"title": "B", "url": "https://b.test/", "content": ""},
]
TEXT = "1. A title & more\n   https://a.test/x\n   Some words\n2. B\n   https://b.test/"
OTHERWISE = "If you know an address, webfetch reads it."


class House:
    """A host with settings for searching, and for providers."""

    def __init__(self, setting: dict[str, str], provider: dict[str, Any] | None = None) -> None:
        self.given = {"websearch": setting, "provider": provider}

    @hookimpl
    def open_workspace(self, host: Host) -> Workspace:
        class Given(dict[str, Any]):
            claims, ignored = {}, []

        return Workspace(host.directory, Places(*[host.directory] * 4), lambda *_: Given(self.given))

    @hookimpl
    def open_store(self) -> MemoryStore:
        return MemoryStore()


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as running:
        yield running


@asynccontextmanager
async def tools(
    tmp_path: Path,
    setting: dict[str, str] | None = None,
    environ: dict[str, str] | None = None,
    provider: dict[str, Any] | None = None,
    model: str = "",
) -> AsyncIterator[Tools]:
    """The tools of a session with these settings."""
    host = Host([House(setting or {}, provider), websearch], directory=tmp_path, external=False, environ=environ or {})
    async with host.open(model=model) as session, connected(build(session), tmp_path) as connection:
        yield connection
    host.close()


def only(right: bool, answer: Answer) -> Answer:
    """The answer if the question is right."""
    return answer if right else Answer(b"wrong", status=400)


async def test_searxng_and_brave_are_asked_in_their_own_words(here: Site, tmp_path: Path) -> None:
    here.pages["/search"] = Answer(json.dumps({"results": RESULTS}).encode(), "application/json")
    async with tools(tmp_path, {"url": here.url}) as searxng:
        assert await searxng("websearch", query="a & b", num_results=3) == TEXT
        assert await searxng("websearch", query="a & b", num_results=1) == TEXT.partition("\n2.")[0]
        assert await searxng("websearch", query="a & b", context_max_characters=7) == "1. A ti"
    assert here.asked[0][1].replace("%20", "+") == "/search?q=a+%26+b&format=json"
    described = [{**r, "description": r["content"], "content": ""} for r in RESULTS]
    here.pages["/brave"] = Answer(json.dumps({"web": {"results": described}}).encode(), "application/json")
    async with tools(tmp_path, {"provider": "brave", "url": here.url + "/brave"}, {"BRAVE_API_KEY": "k3y"}) as brave:
        assert await brave("websearch", query="q", num_results=3) == TEXT
    assert (here.asked[-1][1], here.asked[-1][2]["x-subscription-token"]) == ("/brave?q=q&count=3", "k3y")


@pytest.mark.parametrize("stream", [True, False])
async def test_exa_is_asked_through_its_mcp_endpoint(here: Site, tmp_path: Path, stream: bool) -> None:
    asked: list[Any] = []

    def mcp(headers: Mapping[str, str], body: bytes) -> Answer:
        call = json.loads(body)
        asked.append(call["params"])
        right = (
            {"application/json", "text/event-stream"} == set(headers["accept"].split(", "))
            and headers["x-api-key"] == "k3y"
            and (call["jsonrpc"], call["method"]) == ("2.0", "tools/call")
        )
        result = {"content": [{"type": "text", "text": "Title: A\nURL: https://a.test"}]}
        said = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result})
        notice = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
        if stream:
            text = f"event: message\ndata: {notice}\n\n: still here\n\nevent: message\r\ndata: {said}\r\n\r\n"
            return only(right, Answer(text.encode(), "text/event-stream"))
        return only(right, Answer(said.encode(), "application/json"))

    here.pages["/mcp"] = Answer(unless=mcp)
    setting = {"provider": "exa", "url": here.url + "/mcp"}
    async with tools(tmp_path, setting, {"EXA_API_KEY": "k3y"}) as exa:
        assert await exa("websearch", query="q") == "Title: A\nURL: https://a.test"
        wishes = {"num_results": 50, "livecrawl": "preferred", "type": "deep", "context_max_characters": 9000}
        await exa("websearch", query="q", timeout=60, **wishes)
        assert await exa("codesearch", query="httpx stream") == "Title: A\nURL: https://a.test"
        await exa("codesearch", query="httpx stream", tokens_num=10)
        await exa("codesearch", query="httpx stream", tokens_num=10**6)
    plain = {"query": "q", "type": "auto", "numResults": 8, "livecrawl": "fallback"}
    all_of_it = {
        "query": "q",
        "type": "deep",
        "numResults": 20,
        "livecrawl": "preferred",
        "contextMaxCharacters": 9000,
    }
    assert asked == [
        {"name": "web_search_exa", "arguments": plain},
        {"name": "web_search_exa", "arguments": all_of_it},
        *(
            {"name": "get_code_context_exa", "arguments": {"query": "httpx stream", "tokensNum": tokens}}
            for tokens in (5_000, 1_000, 50_000)
        ),
    ]


async def test_what_exa_refuses_is_told(here: Site, tmp_path: Path) -> None:
    refused = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no such tool"}}
    failed = {"jsonrpc": "2.0", "id": 1, "result": {"isError": True, "content": [{"type": "text", "text": "rate"}]}}
    setting = {"provider": "exa", "url": here.url + "/mcp"}
    async with tools(tmp_path, setting, {"EXA_API_KEY": "k"}) as exa:
        for body, said in [
            (json.dumps(refused), "Exa refused: no such tool"),
            (json.dumps(failed), "Exa failed: rate"),
            ("event: ping\n\n", "The search service exa answered with something that makes no sense."),
            ('{"id": 1, "result": {}}', "The search service exa answered with something that makes no sense."),
        ]:
            here.pages["/mcp"] = Answer(body.encode())
            assert await exa.fails("codesearch", query="q") == said
            assert await exa.fails("websearch", query="q") == f"{said}\n{OTHERWISE}"


async def test_the_mimo_platform_answers_with_its_sources(here: Site, tmp_path: Path) -> None:
    asked: list[Any] = []

    def chat(headers: Mapping[str, str], body: bytes) -> Answer:
        asked.append(json.loads(body))
        right = headers["api-key"] == "k3y" and "authorization" not in headers
        cited = {"type": "url_citation", "url": "https://a.test/x", "title": "A", "summary": "About\nA"}
        nested = {"type": "url_citation", "url_citation": {"url": "https://b.test/", "site_name": "B"}}
        message = {"role": "assistant", "content": "It is A.", "annotations": [cited, cited, nested]}
        return only(right, Answer(json.dumps({"choices": [{"message": message}]}).encode(), "application/json"))

    here.pages["/v1/chat/completions"] = Answer(unless=chat)
    own = {"xiaomi": {"options": {"baseURL": here.url + "/v1", "apiKey": "k3y"}}}
    said = "It is A.\n\nSources:\n1. A\n   https://a.test/x\n   About A\n2. B\n   https://b.test/"
    async with tools(tmp_path, provider=own, model="xiaomi/mimo-v2.6-pro") as search:
        assert await search("websearch", query="what is A?") == said
    async with tools(tmp_path, {"provider": "xiaomi", "url": here.url + "/v1"}, provider=own, model="x/y") as search:
        assert await search("websearch", query="what is A?", num_results=2) == said
        here.pages["/v1/chat/completions"] = Answer(status=409)
        assert "The quota for web search on the MiMo platform is used up" in await search.fails("websearch", query="q")
        here.pages["/v1/chat/completions"] = Answer(b'{"choices": []}')
        assert "makes no sense" in await search.fails("websearch", query="q")
    body = {
        "messages": [{"role": "user", "content": "what is A?"}],
        "thinking": {"type": "disabled"},
        "stream": False,
    }
    assert asked == [
        {**body, "model": model, "tools": [{"type": "web_search", "limit": limit, "force_search": True}]}
        for model, limit in [("mimo-v2.6-pro", 5), ("mimo-v2.5-pro", 2)]
    ]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Answer(b"", status=401), "refused (HTTP 401); check its key"),
        (Answer(b"", status=429), "has no searches left for now"),
        (Answer(b"", status=500), "failed (HTTP 500)"),
        (Answer(b"<html>"), "makes no sense"),
        (Answer(b"[]"), "makes no sense"),
        (Answer(b'{"web": {"results": [{"title": "no address"}]}}'), "makes no sense"),
    ],
)
async def test_what_goes_wrong_is_said(here: Site, tmp_path: Path, answer: Answer, message: str) -> None:
    here.pages["/api"] = answer
    async with tools(tmp_path, {"provider": "brave", "url": here.url + "/api"}, {"BRAVE_API_KEY": "k3y"}) as brave:
        said = await brave.fails("websearch", query="q")
        assert message in said and said.endswith(OTHERWISE) and "k3y" not in said
        assert await brave.fails("websearch", query=" ") == "query is empty."
        assert "at most 120" in await brave.fails("websearch", query="q", timeout=121)
        here.pages["/api"] = Answer(b"{}")
        assert await brave("websearch", query="q") == f"Nothing was found; try other words. {OTHERWISE}"
    async with tools(tmp_path, {"provider": "brave", "url": "http://127.0.0.1:9/"}, {"BRAVE_API_KEY": "k"}) as dead:
        assert "does not answer" in await dead.fails("websearch", query="q")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({}, "No search service is set up. The user can set one"),
        ({"provider": "brave"}, "There is no key for brave; set BRAVE_API_KEY."),
        ({"provider": "searxng"}, 'SearXNG needs "websearch.url", the address of an instance.'),
        ({"provider": "x"}, '"websearch.provider" must be searxng, brave, exa or xiaomi, not "x".'),
    ],
)
async def test_without_a_service_it_says_what_to_set(tmp_path: Path, setting: dict[str, str], message: str) -> None:
    async with tools(tmp_path, setting) as none:
        said = await none.fails("websearch", query="q")
        assert said.startswith(message) and said.endswith(OTHERWISE)
        assert "the user can set EXA_API_KEY" in await none.fails("codesearch", query="q")


@pytest.mark.parametrize(
    ("environ", "model", "chosen"),
    [
        ({"EXA_API_KEY": "e"}, "", "exa"),
        ({"EXA_API_KEY": "e", "BRAVE_API_KEY": "b"}, "", "brave"),
        ({"EXA_API_KEY": "e", "MIMO_API_KEY": "m"}, "other/model", "exa"),
        ({"EXA_API_KEY": "e", "MIMO_API_KEY": "m"}, "xiaomi/mimo-v2.5", "xiaomi"),
        ({"XIAOMI_API_KEY": "m"}, "", "xiaomi"),
        ({"MIMOCODE_ENABLE_EXA": "1"}, "", "exa"),
    ],
)
async def test_whose_key_is_at_hand_is_asked(tmp_path: Path, environ: dict[str, str], model: str, chosen: str) -> None:
    from mimocode_plugins.tools.websearch.choosing import choose

    host = Host([House({}), websearch], directory=tmp_path, external=False, environ=environ)
    async with host.open(model=model) as session:
        assert (await choose(session)).provider == chosen
    host.close()


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.websearch"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(None))
