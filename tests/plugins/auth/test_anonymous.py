"""MiMo Auto asks before it sends anything, renews its token, and says so when its service is gone."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.front import Asked, Front, Reply
from support.identity import jwt
from support.logging_in import READY
from support.model_server import ModelServer
from support.tty import terminal

BOOTSTRAP, CHAT = "/api/free-ai/bootstrap", "/api/free-ai/openai/chat"


class Service:
    """The channel: tokens that it may forget."""

    def __init__(self) -> None:
        self.clients: list[str] = []
        self.tokens: list[str] = []

    def bootstrap(self, asked: Asked) -> Any:
        self.clients.append(asked.json["client"])
        self.tokens.append(jwt(exp=time.time() + 3600, number=len(self.tokens)))
        return {"jwt": self.tokens[-1]}


def consent(cli: Cli) -> Path:
    return cli.home / ".local/share/mimocode/mimo-free-client"


def test_from_consent_to_a_model_that_works_and_through_a_forgotten_token(cli: Cli) -> None:
    service = Service()
    with ModelServer([READY, {"text": "Hello."}], play="sequential", models=["mimo-auto"]) as server:
        with Front({BOOTSTRAP: service.bootstrap}, server.url, {CHAT: "/v1/chat/completions"}) as front:
            cli.env["MIMO_FREE_BASE_URL"] = front.url
            with terminal(cli, "setup", "auto", columns=120, rows=40) as tty:
                tty.wait("Do you agree")
                assert service.clients == []
                tty.send("y")
                tty.wait("Begin with")
                assert tty.end() == 0
                assert "context: 1,000,000 tokens" in tty.text
            assert consent(cli).stat().st_mode & 0o777 == 0o600
            assert set(service.clients) == {consent(cli).read_text()}
            assert len(consent(cli).read_text()) == 64
            chat = [asked for asked in front.asked if asked.path == CHAT]
            assert chat[-1].headers["x-mimo-source"] == "mimocode-cli-free"
            assert chat[-1].headers["authorization"] == f"Bearer {service.tokens[-1]}"
            consent(cli).rename(consent(cli).with_name("aside"))
            cli("run", "Hi")
            assert "authorization" not in [asked for asked in front.asked if asked.path == CHAT][-1].headers
    texts = [path.read_text() for path in (cli.home / ".config/mimocode").iterdir()]
    assert not [token for token in service.tokens for text in texts if token in text]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_made_new_once(cli: Cli, status: int) -> None:
    service, refusals = Service(), [0]
    with ModelServer([{"text": "Hello."}], models=["mimo-auto"]) as server:

        def chat(asked: Asked) -> Any:
            refusals[0] += 1
            return Reply(status, {"error": {"message": "token expired"}})

        routes = {BOOTSTRAP: service.bootstrap, CHAT: chat}
        with Front(routes, server.url) as front:
            lay(cli, front.url)
            refused = cli("run", "Hi")
            assert refused.code == 1
            assert (refusals[0], len(service.tokens)) == (2, 2)
            del routes[CHAT]
        with Front(routes, server.url, {CHAT: "/v1/chat/completions"}) as front:
            lay(cli, front.url)
            assert cli("run", "Hi").out == "Hello.\n"


def lay(cli: Cli, url: str) -> None:
    consent(cli).parent.mkdir(parents=True, exist_ok=True)
    consent(cli).write_text("c" * 64)
    options = {"baseURL": f"{url}/api/free-ai/openai"}
    section = {"env": ["MIMO_FREE_TOKEN"], "options": options, "models": {"mimo-auto": {}}}
    # an address on this machine would be asked without a token
    cli.settings(model="mimo/mimo-auto", provider={"mimo": section})
    cli.env["MIMO_FREE_BASE_URL"] = url


@pytest.mark.parametrize(
    "reply",
    [Reply(410), Reply(404), Reply(403, {"message": "This service has ended"}), Reply(503, {"message": "服务已下线"})],
    ids=lambda reply: str(reply.status),
)
def test_a_service_that_has_ended_is_said_to_have(cli: Cli, reply: Reply) -> None:
    with Front({BOOTSTRAP: reply}) as front:
        with terminal(cli, "setup", "auto", columns=120, rows=40, MIMO_FREE_BASE_URL=front.url) as tty:
            tty.wait("Do you agree")
            tty.send("y")
            tty.wait("MiMo Auto has ended: its service is gone")
            assert tty.end() == 130
    assert not consent(cli).exists()
    assert not json.loads(next(iter((cli.home / ".config/mimocode").glob("*")), Path("/dev/null")).read_text() or "{}")


def test_when_it_has_ended_the_next_best_way_is_offered(cli: Cli) -> None:
    with Front({BOOTSTRAP: Reply(410)}) as front:
        with terminal(cli, "setup", columns=120, rows=40, MIMO_FREE_BASE_URL=front.url) as tty:
            tty.wait("How do you want")
            rows = [row for row in tty.lines if row[:3] in (" » ", "   ")]
            tty.send("\x1b[B" * next(number for number, row in enumerate(rows) if "MiMo Auto" in row))
            tty.wait(" » MiMo Auto")
            tty.send("\r")
            tty.wait("Do you agree")
            tty.send("y")
            tty.wait("MiMo Auto has ended")
            tty.wait(lambda seen: seen.text.count("How do you want") == 2)
            tty.wait(" » Xiaomi MiMo platform")
            tty.send("\x03")
            assert tty.end() == 130


def test_nothing_is_sent_without_consent(cli: Cli) -> None:
    service = Service()
    with Front({BOOTSTRAP: service.bootstrap}) as front:
        cli.env["MIMO_FREE_BASE_URL"] = front.url
        with terminal(cli, "setup", "auto", columns=120, rows=40) as tty:
            tty.wait("Do you agree")
            tty.send("n")
            tty.wait("without your consent nothing was sent")
            assert tty.end() == 130
        lay(cli, front.url)
        consent(cli).unlink()
        cli("models", "--all")
        cli("run", "Hi")
        assert service.clients == []
