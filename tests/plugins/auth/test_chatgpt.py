"""A ChatGPT login is made, used at the address that it is for, and made new by one process for all."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode_plugins.auth.oauth import claims_of, record_of
from support.cli import Cli
from support.front import Front
from support.identity import Issuer, give_browser, jwt
from support.logging_in import READY, log_in
from support.model_server import ModelServer
from support.tty import terminal

MODEL = "openai/gpt-6.1-sol"

STRANGERS = """
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
back = parse_qs(urlsplit(sys.argv[1]).query)["redirect_uri"][0]
for query in ("?error=access_denied", "?code=theirs&state=theirs", "?code=theirs"):
    try:
        said = urlopen(back + query).status
    except HTTPError as error:
        said = error.code
    with Path(__file__).with_name("strangers").open("a") as file:
        file.write(f"{said} ")
"""
"""What a hostile page does before the user has logged in."""


def auth(cli: Cli) -> Any:
    return json.loads((cli.home / ".local/share/mimocode/auth.json").read_text())


def keep(cli: Cli, **record: Any) -> None:
    path = cli.home / ".local/share/mimocode/auth.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"openai": {"type": "oauth", **record}}))


@pytest.mark.parametrize("how", ["browser", "code"])
def test_from_the_login_to_a_model_that_works(cli: Cli, how: str) -> None:
    give_browser(cli)
    issuer = Issuer()
    models = ["gpt-6.1-sol", "gpt-6-astra", "gpt-6-luna", "gpt-5.6-sol", "gpt-5"]
    with (
        ModelServer([READY, {"text": "Hello."}], play="sequential", models=models) as server,
        Front(issuer.routes()) as front,
    ):
        places = {"MIMOCODE_CHATGPT_ISSUER": front.url, "MIMOCODE_CHATGPT_URL": f"{server.url}/v1"}
        cli.env |= places
        code = "/codex/device on any device and enter the code WXYZ-1234"
        log_in(cli, "chatgpt", how, issuer, code, openai="acc-1")
        assert cli("run", "Hi").out == "Hello.\n"
        for request in server.requests:
            assert request.headers["authorization"] == f"Bearer {issuer.access}"
            assert request.headers["chatgpt-account-id"] == "acc-1"
            assert request.headers["originator"] == "mimocode"
            assert not request.body.keys() & {"max_output_tokens", "temperature"}
            assert request.body["store"] is False


def test_a_login_that_ended_is_made_new_once_for_all_processes(cli: Cli) -> None:
    issuer = Issuer()
    issuer.issue()
    keep(cli, access="old", refresh=issuer.refresh, expires=1, accountId="acc-1")
    with ModelServer([{"text": "Hello."}], models=["gpt-6.1-sol"]) as server, Front(issuer.routes()) as front:
        places = {"MIMOCODE_CHATGPT_ISSUER": front.url, "MIMOCODE_CHATGPT_URL": f"{server.url}/v1"}
        running = [cli.start("run", "-m", MODEL, "Hi", **places) for _ in range(3)]
        assert [(process.communicate(timeout=60)[0], process.returncode) for process in running] == [
            (b"Hello.\n", 0)
        ] * 3
        assert issuer.renewals == 1
        assert {request.headers["authorization"] for request in server.requests} == {f"Bearer {issuer.access}"}
    assert auth(cli)["openai"]["accountId"] == "acc-1"
    assert auth(cli)["openai"]["refresh"] == issuer.refresh


def test_a_login_that_cannot_be_made_new_says_what_to_do(cli: Cli) -> None:
    keep(cli, access="old", refresh="canary-refresh-token", expires=1)
    with Front(Issuer().routes()) as front:
        done = cli("run", "-m", MODEL, "Hi", MIMOCODE_CHATGPT_ISSUER=front.url)
    assert done.code == 1
    assert "the ChatGPT login has ended and could not be renewed" in done.err
    assert "mimo setup chatgpt" in done.err
    assert "canary" not in done.out + done.err


def test_a_key_is_used_as_ever(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}], models=["gpt-6.1-sol"]) as server:
        cli.settings(provider={"openai": {"options": {"baseURL": f"{server.url}/v1"}}})
        cli("auth", "login", "openai", stdin=b"sk-plain-key-1234")
        assert cli("run", "-m", MODEL, "Hi").out == "Hello.\n"
        assert "chatgpt-account-id" not in server.requests[0].headers
        assert server.requests[0].body["max_output_tokens"] > 0


def test_an_answer_to_another_login_changes_nothing(cli: Cli) -> None:
    """Any page in any browser here can send something to the port that waits for the answer."""
    give_browser(cli)
    browser = cli.home / "browser"
    browser.write_text(browser.read_text().replace("urlopen(sys.argv[1])", STRANGERS + "urlopen(sys.argv[1])"))
    issuer = Issuer()
    with ModelServer([READY], play="sequential", models=["gpt-6.1-sol"]) as server, Front(issuer.routes()) as front:
        cli.env |= {"MIMOCODE_CHATGPT_ISSUER": front.url, "MIMOCODE_CHATGPT_URL": f"{server.url}/v1"}
        with terminal(cli, "setup", "chatgpt", columns=120, rows=40) as tty:
            tty.wait("How do you log in")
            tty.send("\r")
            tty.wait("Begin with")
            assert tty.end() == 0
    assert auth(cli)["openai"]["access"] == issuer.access
    assert (cli.home / "strangers").read_text() == "404 404 404 "


@given(st.text(max_size=60))
def test_any_text_is_a_token_without_claims(text: str) -> None:
    assert isinstance(claims_of(text), dict)


def test_when_a_login_ends() -> None:
    soon = time.time() + 100
    assert abs(record_of({"access_token": jwt(exp=soon)})["expires"] - soon * 1000) < 2000
    assert abs(record_of({"access_token": "opaque", "expires_in": 100})["expires"] - soon * 1000) < 5000
    assert record_of({"access_token": "opaque"}, "r-1")["refresh"] == "r-1"
