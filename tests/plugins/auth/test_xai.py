"""A login with an xAI subscription: in a browser or with a code, used as a key, made new."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mimocode_plugins.auth import oauth
from mimocode_plugins.auth.ways import Gone
from mimocode_plugins.auth.xai import login
from support.answers import Answers
from support.cli import Cli
from support.front import Front
from support.identity import Grok, give_browser
from support.logging_in import READY, log_in
from support.model_server import ModelServer


@pytest.mark.parametrize("how", ["browser", "code"])
def test_from_the_login_to_a_model_that_works(cli: Cli, how: str) -> None:
    give_browser(cli)
    issuer = Grok("authorization_pending")
    with (
        ModelServer([READY, {"text": "Hello."}], play="sequential", models=["grok-4.7"]) as server,
        Front(issuer.routes()) as front,
    ):
        cli.settings(provider={"xai": {"options": {"baseURL": f"{server.url}/v1"}}})
        cli.env["MIMOCODE_XAI_ISSUER"] = front.url
        code = "https://x.example/d on any device and enter the code GROK-1"
        log_in(cli, "xai", how, issuer, code, xai="ada@x.example")
        assert cli("run", "Hi").out == "Hello.\n"
        assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {issuer.access}"}
        assert {each.path for each in server.requests} == {"/v1/responses"}


def test_a_login_that_ended_is_made_new(cli: Cli) -> None:
    issuer = Grok()
    issuer.issue()
    path = cli.home / ".local/share/mimocode/auth.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"xai": {"type": "oauth", "access": "old", "refresh": issuer.refresh, "expires": 1}}))
    with ModelServer([{"text": "Hello."}], models=["grok-4.7"]) as server, Front(issuer.routes()) as front:
        cli.settings(provider={"xai": {"options": {"baseURL": f"{server.url}/v1"}}})
        assert cli("run", "-m", "xai/grok-4.7", "Hi", MIMOCODE_XAI_ISSUER=front.url).out == "Hello.\n"
    assert issuer.renewals == 1
    done = cli("run", "-m", "xai/grok-4.7", "Hi", MIMOCODE_XAI_ISSUER="http://127.0.0.1:9")
    assert "cannot reach xai" in done.err, "the new login is good: only the model is gone"


def client(front: Front) -> oauth.Client:
    return login.client({"MIMOCODE_XAI_ISSUER": front.url})


async def coded(front: Front) -> dict[str, Any]:
    return await oauth.with_code(Answers(), client(front), f"{front.url}/oauth2/device/code", login.SCOPE)


async def test_a_server_that_wants_to_be_asked_less_often_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth, "SLOWER", 0.4)
    issuer = Grok("slow_down", "slow_down", "authorization_pending")
    with Front(issuer.routes()) as front:
        began = time.monotonic()
        record = await coded(front)
    assert (record["access"], issuer.asked) == (issuer.access, 4)
    assert time.monotonic() - began >= 0.4 + 0.8 + 0.8


@pytest.mark.parametrize(("answer", "why"), [("access_denied", "access_denied"), ("expired_token", "expired_token")])
async def test_a_login_that_is_refused_says_so(answer: str, why: str) -> None:
    with Front(Grok("authorization_pending", answer).routes()) as front:
        with pytest.raises(Gone, match=f"the login was refused: {why}"):
            await coded(front)


@pytest.mark.parametrize("began", [{}, {"device_code": "d"}, {"user_code": 5, "verification_uri": ""}, []])
async def test_a_server_that_gives_no_code(began: Any) -> None:
    with Front({"/oauth2/device/code": began}) as front:
        with pytest.raises(Gone, match="refused a login with a code"):
            await coded(front)


async def test_a_code_that_nobody_enters_ends() -> None:
    issuer = Grok(*["authorization_pending"] * 10_000)
    routes = issuer.routes()
    routes["/oauth2/device/code"] |= {"expires_in": 0.3}
    with Front(routes) as front:
        with pytest.raises(Gone, match="nobody entered the code in time"):
            await coded(front)
