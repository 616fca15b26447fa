"""websearch against stand-ins for each service, which check what they are asked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mimocode import hookimpl
from mimocode.events import Notice
from mimocode.host import Host
from mimocode.ports import Places, Workspace
from mimocode.testing import MemoryStore, catalogue
from mimocode_plugins.tools import websearch
from mimocode_plugins.tools.websearch.choosing import Service
from mimocode_plugins.tools.websearch.server import build
from support.calling import connected
from support.site import Answer, Site, site

RESULTS = [
    {"title": "A <b>title</b> &amp; more", "url": "https://a.test/x", "content": "Some\n words", "text": "Some words"}
]
TEXT = "1. A title & more\n   https://a.test/x\n   Some words"


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.mark.parametrize("provider", ["searxng", "brave", "exa"])
async def test_each_service_is_asked_in_its_own_words(here: Site, tmp_path: Path, provider: str) -> None:
    body: Any = {"results": RESULTS}
    if provider == "brave":
        body = {"web": {"results": [{**RESULTS[0], "description": "Some words", "content": ""}]}}
    path = "/search" if provider == "searxng" else "/api"
    here.pages[path] = Answer(json.dumps(body).encode(), "application/json")
    service = Service(
        provider, here.url + ("" if provider == "searxng" else "/api"), "" if provider == "searxng" else "k3y"
    )
    async with connected(build(service), tmp_path) as tools:
        assert await tools("websearch", query="a & b", num_results=3) == TEXT
    method, asked, headers, sent = here.asked[0]
    match provider:
        case "searxng":
            assert (method, asked) == (
                "GET",
                "/search?q=a+%26+b&format=json",
            ) or asked == "/search?q=a%20%26%20b&format=json"
        case "brave":
            assert headers["x-subscription-token"] == "k3y" and "count=3" in asked
        case "exa":
            assert headers["x-api-key"] == "k3y"
            assert json.loads(sent) == {"query": "a & b", "numResults": 3, "contents": {"text": {"maxCharacters": 500}}}


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
    async with connected(build(Service("brave", here.url + "/api", "k3y")), tmp_path) as tools:
        said = await tools.fails("websearch", query="q")
        assert message in said and "k3y" not in said
        assert await tools.fails("websearch", query=" ") == "query is empty."
    async with connected(build(Service("brave", "http://127.0.0.1:9/", "k")), tmp_path) as tools:
        assert "does not answer" in await tools.fails("websearch", query="q")


async def test_nothing_found(here: Site, tmp_path: Path) -> None:
    here.pages["/api"] = Answer(b"{}")
    async with connected(build(Service("brave", here.url + "/api", "k")), tmp_path) as tools:
        assert await tools("websearch", query="q") == "Nothing was found; try other words."


class House:
    """A host with one setting."""

    def __init__(self, **setting: str) -> None:
        self.setting, self.notices = setting, list[str]()

    @hookimpl
    def open_workspace(self, host: Host) -> Workspace:
        class Given(dict[str, Any]):
            claims, ignored = {}, []

        return Workspace(host.directory, Places(*[host.directory] * 4), lambda *_: Given(websearch=self.setting))

    @hookimpl
    def open_store(self) -> MemoryStore:
        return MemoryStore()

    @hookimpl
    async def on_event(self, event: Any) -> None:
        if isinstance(event, Notice):
            self.notices.append(event.text)


@pytest.mark.parametrize(
    ("setting", "environ", "offered", "notice"),
    [
        ({}, {}, False, ""),
        ({}, {"EXA_API_KEY": "k"}, True, ""),
        ({"url": "http://127.0.0.1:1"}, {}, True, ""),
        ({"provider": "brave"}, {"BRAVE_API_KEY": "k"}, True, ""),
        ({"provider": "brave"}, {}, False, "websearch is off: there is no key for brave; set BRAVE_API_KEY"),
        (
            {"provider": "searxng"},
            {},
            False,
            'websearch is off: SearXNG needs "websearch.url", the address of an instance',
        ),
        ({"provider": "x"}, {}, False, 'websearch is off: "websearch.provider" must be searxng, brave or exa, not "x"'),
    ],
)
async def test_it_is_offered_when_there_is_a_service(
    tmp_path: Path, setting: dict[str, str], environ: dict[str, str], offered: bool, notice: str
) -> None:
    house = House(**setting)
    host = Host([house, websearch], directory=tmp_path, external=False, environ=environ)
    async with host.open() as session:
        assert list(session.toolbox.specs) == ["websearch"] * offered
    assert house.notices == [notice] * bool(notice)
    host.close()


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.websearch"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(Service("exa", "")))
