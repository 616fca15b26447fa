"""Answers that make no sense are refused with a reason; what servers say of themselves is believed as far as it goes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.host import Host
from mimocode_plugins.auth.endpoints import custom, key, local, ways_in
from mimocode_plugins.auth.ways import Gone, own_settings
from support.answers import Answers
from support.front import Asked, Front, Reply


def host(home: Path, settings: dict[str, Any] | None = None, **environ: str) -> Host:
    names = ["store.workspace", "auth.credentials", "auth.endpoints", "providers.openai", "providers.configured"]
    environ = {"MIMOCODE_HOME": str(home), "MIMOCODE_AUTH_STORE": "file", **environ}
    (home / "config").mkdir(exist_ok=True)
    (home / "config/mimocode.json").write_text(json.dumps(settings or {}))
    plugins = [f"mimocode_plugins.{name}" for name in names]
    return Host(plugins, directory=home, external=False, environ=environ, complain=print)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        (["ftp://x"], "is no address"),
        (["x example/v1"], "is no address"),
        (["http://x.example:port/v1"], "is no address"),
        ([""], "is no address"),
        (["https://x.example/v1", "No Name"], "is no name of a provider"),
        (["https://x.example/v1", "taken", False], "the provider 'taken' in .* stays as it is: choose another name"),
        (["http://127.0.0.1:9/v1", "mine", "Anthropic", "", ""], "without the name of a model"),
        (["http://127.0.0.1:9/v1", "mine", "Anthropic", "two words"], "that is no key"),
    ],
)
async def test_an_endpoint_is_described_whole_or_not_at_all(tmp_path: Path, answers: list[object], why: str) -> None:
    before = {"provider": {"taken": {"name": "Taken"}}}
    asked = host(tmp_path, before)
    with pytest.raises(Gone, match=why):
        await custom.run(Answers(*answers), asked)
    assert json.loads(own_settings(asked).text()) == before
    assert not (tmp_path / "data/auth.json").exists()


@pytest.mark.parametrize(
    ("said", "base", "hostname"),
    [
        ("localhost:8000", "http://localhost:8000", "localhost"),
        (" 192.168.0.7:8000/v1/ ", "http://192.168.0.7:8000/v1", "192.168.0.7"),
        ("[::1]:8000/v1", "http://[::1]:8000/v1", "::1"),
        ("gpu:8000/v1", "http://gpu:8000/v1", "gpu"),
        ("api.acme.example/v1", "https://api.acme.example/v1", "api.acme.example"),
        ("http://api.acme.example/v1", "http://api.acme.example/v1", "api.acme.example"),
    ],
)
def test_how_an_address_begins_need_not_be_said(said: str, base: str, hostname: str) -> None:
    assert custom.addressed(said) == (base, hostname)


@given(st.from_regex(r"[a-z0-9.-]{1,30}", fullmatch=True))
def test_any_host_gets_a_name_that_is_one(hostname: str) -> None:
    assert custom._ID.fullmatch(custom.suggested(hostname) or "x")


@pytest.mark.parametrize(
    ("hostname", "name"),
    [("api.acme.example", "acme"), ("127.0.0.1", "local"), ("localhost", "local"), ("gpu", "gpu"), ("a.b.co", "b")],
)
def test_names_of_hosts(hostname: str, name: str) -> None:
    assert custom.suggested(hostname) == name


@pytest.mark.parametrize("said", ["", " ", "a b", "k\u201c", "x\ny"])
def test_what_is_no_key(said: str) -> None:
    with pytest.raises(Gone):
        key.clean(said)


BROKEN = [
    Reply(500),
    Reply(404),
    [],
    {"models": None},
    {"models": [{"no": "name"}]},
    {"data": [{"id": "x", "max_model_len": "many"}]},
    "text",
]


@pytest.mark.parametrize("body", BROKEN, ids=repr)
async def test_what_answers_nonsense_is_no_server(tmp_path: Path, body: Any) -> None:
    routes = dict.fromkeys(("/api/tags", "/api/ps", "/api/v0/models", "/props", "/v1/models"), body)
    with Front(routes) as front:
        everywhere = {each[0]: {"options": {"baseURL": f"{front.url}/v1"}} for each in local.KNOWN}
        found = await local.running(host(tmp_path, {"provider": everywhere}))
        assert all(size == 0 for server in found for size in server.models.values())
        models, status = await local.listed(f"{front.url}/v1")
        assert models in ({}, {"x": 0})
        assert status == (body.status if isinstance(body, Reply) else 0)


async def test_nothing_runs(tmp_path: Path) -> None:
    nowhere = {each[0]: {"options": {"baseURL": "http://127.0.0.1:9/v1"}} for each in local.KNOWN}
    with pytest.raises(Gone, match=r"no server of models answers on this machine at its usual port: Ollama \(11434\)"):
        await local.run(Answers(), host(tmp_path, {"provider": nowhere}))


async def test_a_server_that_wants_a_key_is_told_from_none(tmp_path: Path) -> None:
    with Front({"/v1/models": Reply(401, {"error": {"message": "Unauthorized"}})}) as front:
        nowhere = {each[0]: {"options": {"baseURL": "http://127.0.0.1:9/v1"}} for each in local.KNOWN}
        asked = host(tmp_path, {"provider": nowhere | {"vllm": {"options": {"baseURL": f"{front.url}/v1"}}}})
        with pytest.raises(Gone, match=f"{front.url}/v1 wants a key: choose an endpoint of your own"):
            await local.run(Answers(), asked)
        assert [way.hint for way in await ways_in(asked) if way.name == "local"] == [""]


async def test_a_size_that_is_none_is_asked_again(tmp_path: Path) -> None:
    with Front({"/v1/models": {"data": [{"id": "m"}]}}) as front:
        asked, answers = host(tmp_path), Answers(front.url, "mine", "Chat Completions", "", "m", "many", "128K")
        assert await custom.run(answers, asked) == "mine/m"
        assert "'many' is no number of tokens." in answers.said
        assert own_settings(asked).value(["provider", "mine", "models", "m", "limit"]) == {"context": 128_000}


async def test_a_busy_server_is_no_reason_for_a_slow_menu_and_is_waited_for_when_it_is_wanted(tmp_path: Path) -> None:
    def busy(_: Asked) -> Any:
        time.sleep(local.PATIENCE * 1.5)
        return {"default_generation_settings": {"n_ctx": 32_768}}

    with Front({"/props": busy, "/v1/models": {"data": [{"id": "m"}]}}) as front:
        elsewhere = {each[0]: {"options": {"baseURL": "http://127.0.0.1:9/v1"}} for each in local.KNOWN}
        asked = host(tmp_path, {"provider": elsewhere | {"llamacpp": {"options": {"baseURL": f"{front.url}/v1"}}}})
        assert await local.running(asked) == []
        assert await local.run(Answers(), asked) == "llamacpp/m"


@pytest.mark.parametrize(
    ("said", "base"),
    [
        ("", "http://127.0.0.1:11434/v1"),
        ("gpu.example", "http://gpu.example:11434/v1"),
        ("0.0.0.0:5000", "http://127.0.0.1:5000/v1"),
        ("https://gpu.example:443/", "https://gpu.example:443/v1"),
    ],
)
def test_where_ollama_is(tmp_path: Path, said: str, base: str) -> None:
    assert local._address(host(tmp_path, OLLAMA_HOST=said), "ollama", "http://127.0.0.1:11434/v1") == base


async def test_the_version_that_people_leave_out_is_found(tmp_path: Path) -> None:
    with Front({"/v1/models": {"data": [{"id": "m", "max_model_len": 64_000}]}}) as front:
        asked = host(tmp_path)
        answers = Answers(front.url, "mine", "Chat Completions", "", "m")
        assert await custom.run(answers, asked) == "mine/m"
        assert own_settings(asked).value(["provider", "mine"]) == {
            "name": "mine",
            "npm": "@ai-sdk/openai-compatible",
            "options": {"baseURL": f"{front.url}/v1"},
            "models": {"m": {"name": "m", "limit": {"context": 64_000}}},
        }


@pytest.mark.parametrize(("key", "why"), [("", "it wants a key"), ("k-1234567", "is the key right?")])
async def test_an_endpoint_that_refuses_the_key_says_so_before_anything_is_asked(
    tmp_path: Path, key: str, why: str
) -> None:
    with Front({"/v1/models": Reply(401)}) as front:
        answers = Answers(front.url, "mine", "Chat Completions", key, "")
        with pytest.raises(Gone, match="without the name of a model"):
            await custom.run(answers, host(tmp_path))
    assert answers.questions[-1] == f"Which model? It did not list them (HTTP 401: {why}); write its name"


async def test_models_behind_anthropics_wire_are_listed(tmp_path: Path) -> None:
    with Front({"/v1/models": {"data": [{"id": "claude-own", "type": "model"}]}}) as front:
        asked = host(tmp_path)
        answers = Answers(front.url, "mine", "Anthropic", "k-1234567", "claude-own", "200K")
        assert await custom.run(answers, asked) == "mine/claude-own"
        assert front.asked[-1].headers["x-api-key"] == "k-1234567"
        assert "authorization" not in front.asked[-1].headers
