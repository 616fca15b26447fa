"""A login at an organisation: its command runs and its settings count only after the user has seen them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import MimoError, UsageError
from mimocode_plugins.auth.credentials.wellknown import Offer, _offer, _printed, address, fetched, settings_of
from support.cli import Cli
from support.front import Front, Reply
from support.model_server import ModelServer
from support.ring import give_keyring
from support.tty import terminal

TOKEN = "canary-token-of-the-company"
PLACE = "/.well-known/opencode"


def printing(cli: Cli, text: str = TOKEN) -> list[str]:
    """A command that leaves a trace and prints a token."""
    (cli.home / "token").write_text(text)
    trace = f"open({str(cli.home / 'ran')!r}, 'a').write('x')"
    return [sys.executable, "-c", f"{trace}; print(open({str(cli.home / 'token')!r}).read())"]


def offered(cli: Cli, url: str, **config: Any) -> dict[str, Any]:
    """What a company says: its gateway, with the token as its key."""
    models = {"test-model": {"limit": {"context": 64_000}}}
    provider = {"company": {"env": ["COMPANY_TOKEN"], "options": {"baseURL": f"{url}/v1"}, "models": models}}
    config = {"$schema": "x", "model": "company/test-model", "provider": provider, **config}
    return {"auth": {"command": printing(cli), "env": "COMPANY_TOKEN"}, "config": config}


def ran(cli: Cli) -> int:
    path = cli.home / "ran"
    return len(path.read_text()) if path.exists() else 0


@pytest.mark.parametrize("ring", [False, True], ids=["file", "keyring"])
def test_from_the_address_of_the_company_to_an_answer_and_back(cli: Cli, ring: bool) -> None:
    if ring:
        give_keyring(cli)
    with ModelServer([{"text": "Hello."}], key=TOKEN) as server:
        headers = {"Authorization": "Bearer {env:COMPANY_TOKEN}"}
        mcp = {"wiki": {"type": "remote", "url": f"{server.url}/mcp", "headers": headers, "enabled": False}}
        with Front({PLACE: offered(cli, server.url, mcp=mcp, shiny=1)}) as front:
            done = cli("auth", "login", front.url + "/", "--yes")
            assert done.code == 0, done.err
            assert "COMPANY_TOKEN" in done.err and "print(open(" in done.err
            assert "left out, there are no such settings here: shiny" in done.err
            assert ran(cli) == 1
        # the company is gone: nothing is fetched again
        asked = cli("run", "Hi")
        assert (asked.code, asked.out) == (0, "Hello.\n"), asked.err
        assert f"{front.url}  token  " in cli("auth", "list").out
        shown = cli("config", "show")
        assert json.loads(shown.out)["mcp"]["wiki"]["headers"] == {"Authorization": "***"}
        told = cli("config", "explain", "model").out
        assert "settings of 127.0.0.1_" in told and "wellknown" in told
        cli.settings(model="mine/other")
        assert cli("config", "get", "model").out == "mine/other\n", "the user's own settings are above"
        for said in (done, asked, shown):
            assert TOKEN not in said.out + said.err
        assert cli("auth", "logout", front.url).code == 0
        assert not list((cli.home / ".local/share/mimocode/wellknown").iterdir())
        assert json.loads(cli("config", "show").out) == {"model": "mine/other"}


def test_a_reference_in_its_settings_stands_for_the_token(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}], key=TOKEN) as server:
        said = offered(cli, server.url)
        said["config"]["provider"]["company"] = {
            "options": {"baseURL": f"{server.url}/v1", "apiKey": "{env:COMPANY_TOKEN}"},
            "models": {"test-model": {}},
        }
        with Front({"/.well-known/mimocode": said}) as front:
            assert cli("auth", "login", front.url, "--yes").code == 0
        assert cli("run", "Hi").out == "Hello.\n"
        assert TOKEN not in cli("config", "show").out
        look = {"command": "env", "description": "look"}
        server.script({"calls": [{"name": "bash", "arguments": look}]}, {"text": "${result}"})
        cli("run", "--yolo", "Look")
        assert TOKEN not in json.dumps([request.body for request in server.requests]), "children do not get it"


def test_nothing_runs_before_the_user_says_so(cli: Cli) -> None:
    with Front({PLACE: offered(cli, "http://127.0.0.1:9")}) as front:
        refused = cli("auth", "login", front.url)
        assert (refused.code, ran(cli)) == (2, 0)
        assert "accept it with --yes" in refused.err
        with terminal(cli, "auth", "login", front.url, columns=120, rows=60) as tty:
            tty.wait("Run it, and keep the token")
            assert ran(cli) == 0
            tty.send("n\r")
            assert tty.end() == 1
            assert "nothing was run and nothing was kept" in tty.text
        assert ran(cli) == 0
        with terminal(cli, "auth", "login", front.url, columns=120, rows=60) as tty:
            tty.wait("Run it, and keep the token")
            tty.send("y\r")
            assert tty.end() == 0
        assert ran(cli) == 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/nonexistent-command"], "cannot be started"),
        ([sys.executable, "-c", "print('canary-half'); raise SystemExit(3)"], "gave no token (exit code 3)"),
        ([sys.executable, "-c", "print()"], "gave no token (exit code 0)"),
        ([sys.executable, "-c", "print('canary two words')"], "gave no token"),
    ],
)
async def test_a_command_that_gives_no_token(command: list[str], why: str) -> None:
    with pytest.raises(MimoError) as caught:
        await _printed(Offer("https://x.example", tuple(command), "X", {}), dict(os.environ))
    assert why in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(404), "does not say how to log in (HTTP 404"),
        (Reply(302, {}, {"location": "http://127.0.0.1:9/"}), "does not say how to log in (HTTP 302"),
        ({"auth": {}}, "makes no sense"),
        ([], "makes no sense"),
        ({"auth": {"command": [], "env": "X"}}, "makes no sense"),
        ({"auth": {"command": ["x"], "env": "X Y"}}, "makes no sense"),
        ({"auth": {"command": ["x"], "env": "X"}, "config": []}, "makes no sense"),
    ],
)
async def test_what_makes_no_sense_is_said(reply: Any, why: str) -> None:
    with Front({PLACE: reply}) as front:
        with pytest.raises(MimoError) as caught:
            await fetched(front.url)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    "said", ["http://company.example", "https://", "https://u:p@x.example", "https://x.example?a=1"]
)
def test_what_is_no_address(said: str) -> None:
    with pytest.raises(UsageError):
        address(said)


@given(st.binary(max_size=60) | st.from_type(dict[str, str | int]).map(lambda it: json.dumps({"auth": it}).encode()))
def test_any_answer_is_an_offer_or_a_sentence(content: bytes) -> None:
    with pytest.raises(MimoError, match="makes no sense"):
        _offer("https://x.example", content)


def test_two_places_have_two_files() -> None:
    names = {
        settings_of(Path("/d"), url).name for url in ("https://a.example", "https://a.example/b", "https://b.example")
    }
    assert names == {"a.example.json", "a.example_b.json", "b.example.json"}
