"""Every way of the first start, in a real tmux: from `mimo` without a model to the first answer of one."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from support.cli import Cli
from support.front import Asked, Front, Reply
from support.homes import KEY
from support.identity import Issuer, Platform, give_browser, jwt
from support.local_servers import LOCAL
from support.logging_in import READY
from support.model_server import ModelServer
from support.pane import Pane
from support.ring import no_keyring

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")]
FIRST = {"text": "Here I am."}
MIMO = ["mimo-v2.6-pro", "mimo-v2.6-flash", "mimo-v2.5-pro", "mimo-v2.5", "mimo-v2-flash"]
GPT = ["gpt-6.1-sol", "gpt-6-astra", "gpt-6-luna", "gpt-5.6-sol", "gpt-5"]
SECRET = "sk-canary-eeeeeeeeeeeeeeeeeeee"
MENU = "How do you want"
BOOTSTRAP, CHAT = "/api/free-ai/bootstrap", "/api/free-ai/openai/chat"


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[Pane]:
    """A pane for someone who has nothing yet: no settings, no keyring, no model."""
    cli = Cli(tmp_path)
    no_keyring(cli)
    pane = Pane(cli, tmp_path)
    yield pane
    pane.tmux("kill-server")


def server(**options: Any) -> ModelServer:
    """A model that passes the trial, and then answers."""
    return ModelServer([READY, FIRST, FIRST, FIRST], play="sequential", **options)


def first_answer(pane: Pane) -> str:
    """Say something, be answered, and end the program: what it asks in the background would find the servers gone."""
    shown = pane.say("Are you there?", "Here I am")
    pane.end()
    return shown


def to_the_first_answer(pane: Pane, ref: str) -> None:
    """The model works, is chosen, and answers in the conversation that follows."""
    pane.wait(rf"(?s)✓ {re.escape(ref)} works.*streaming: yes.*tool calls: yes")
    shown = first_answer(pane)
    for path in (pane.cli.home / ".config/mimocode").iterdir():
        assert not re.search("canary", path.read_text()), "a secret is in the settings"
    assert "canary" not in shown
    assert json.loads((pane.cli.home / ".config/mimocode/mimocode.jsonc").read_text())["model"] == ref


# -- two of them at every change ------------------------------------------------


def test_an_endpoint_of_ones_own(pane: Pane) -> None:
    with server() as model:
        pane.start()
        pane.wait("Welcome to mimo")
        pane.pick(MENU, "An endpoint of your own")
        pane.answer("Where does its API begin", f"{model.url}/v1", over=True)
        pane.answer("What do you call it", "mine", over=True)
        pane.pick("What does it speak", "Chat Completions")
        pane.answer("API key", SECRET)
        pane.pick("Which model", "test-model")
        pane.answer("How many tokens", "128K")
        to_the_first_answer(pane, "mine/test-model")
        assert model.requests[-1].headers["authorization"] == f"Bearer {SECRET}"


def test_the_demo(pane: Pane) -> None:
    pane.start()
    pane.pick(MENU, "See it work first")
    pane.wait("tally")
    pane.wait("That was a script. Now a model of your own, or later")
    pane.pick(MENU, "Later")
    pane.wait("`mimo setup` brings this back")
    pane.wait("Say what to do")


# -- the others -----------------------------------------------------------------


@pytest.mark.slow
def test_mimo_with_a_browser(pane: Pane) -> None:
    give_browser(pane.cli)
    with server(key=SECRET, models=MIMO) as model:
        platform = Platform(sk=SECRET, uid="4711", url=f"{model.url}/v1")
        with Front(platform.routes()) as front:
            pane.cli.env["MIMO_PLATFORM_URL"] = front.url
            pane.start()
            pane.pick(MENU, "Xiaomi MiMo platform")
            pane.wait("Logged in as 4711")
            to_the_first_answer(pane, "xiaomi/mimo-v2.6-pro")


@pytest.mark.slow
def test_mimo_with_a_code(pane: Pane) -> None:
    pane.cli.env |= {"BROWSER": "/nonexistent-browser", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    pane.cli.env["PATH"] = str(pane.cli.home)  # with no browser in it
    (pane.cli.home / "tmux").symlink_to(str(shutil.which("tmux")))
    with server(key=SECRET, models=MIMO) as model:
        platform = Platform(sk=SECRET, url=f"{model.url}/v1")
        pane.cli.env["MIMO_PLATFORM_URL"] = "http://127.0.0.1:9"
        pane.start()
        pane.pick(MENU, "Xiaomi MiMo platform")
        shown = pane.wait("The code")
        url = re.search(r"http://127.0.0.1:9/authorize\S+", shown.replace("\n", ""))
        assert url
        query = dict(parse_qsl(urlsplit(url[0]).query))
        pane.answer("The code", platform.code(query["pk"]))
        to_the_first_answer(pane, "xiaomi/mimo-v2.6-pro")


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["xiaomi", "deepseek", "anthropic"])
def test_the_key_of_a_provider(pane: Pane, provider: str) -> None:
    model_id = {"xiaomi": "mimo-v2.6-pro", "deepseek": "deepseek-v4-pro", "anthropic": "claude-sonnet-5-5"}[provider]
    with server(models=[model_id]) as model:
        # an address elsewhere, behind a proxy: on this machine it would need no key
        pane.cli.settings(provider={provider: {"options": {"baseURL": f"http://{provider}.example/v1"}}})
        pane.cli.env["HTTP_PROXY"] = pane.cli.env["http_proxy"] = model.url
        pane.start()
        pane.pick(MENU, "The API key of a provider")
        pane.wait("Which provider")
        pane.type(provider)
        pane.wait(lambda text: re.search(rf"^ » {provider}", text, re.MULTILINE))
        pane.keys("Enter")
        pane.answer(f"API key of {provider}", SECRET)
        pane.wait("Which model")
        pane.keys("Enter")
        pane.wait(rf"✓ {provider}/{model_id} works")
        first_answer(pane)
        headers = model.requests[-1].headers
        assert SECRET in (headers.get("authorization", "").removeprefix("Bearer "), headers.get("x-api-key"))


class Free:
    """The anonymous channel."""

    def __init__(self) -> None:
        self.clients: list[str] = []

    def bootstrap(self, asked: Asked) -> Any:
        self.clients.append(asked.json["client"])
        return {"jwt": jwt(exp=time.time() + 3600)}


@pytest.mark.slow
def test_mimo_auto(pane: Pane) -> None:
    free = Free()
    with server(models=["mimo-auto"]) as model:
        with Front({BOOTSTRAP: free.bootstrap}, model.url, {CHAT: "/v1/chat/completions"}) as front:
            pane.cli.env["MIMO_FREE_BASE_URL"] = front.url
            pane.start()
            pane.pick(MENU, "MiMo Auto")
            pane.wait("Do you agree")
            assert free.clients == []
            pane.keys("y")
            to_the_first_answer(pane, "mimo/mimo-auto")
            assert len(set(free.clients)) == 1


@pytest.mark.slow
def test_mimo_auto_has_ended_and_the_next_way_is_taken(pane: Pane) -> None:
    give_browser(pane.cli)
    with server(key=SECRET, models=MIMO) as model:
        platform = Platform(sk=SECRET, url=f"{model.url}/v1")
        with Front({BOOTSTRAP: Reply(410), **platform.routes()}) as front:
            pane.cli.env |= {"MIMO_FREE_BASE_URL": front.url, "MIMO_PLATFORM_URL": front.url}
            pane.start()
            pane.pick(MENU, "MiMo Auto")
            pane.wait("Do you agree")
            pane.keys("y")
            pane.wait("MiMo Auto has ended")
            pane.wait(lambda text: text.count(f"? {MENU}") == 2)
            pane.wait(r" » Xiaomi MiMo platform")
            pane.keys("Enter")
            to_the_first_answer(pane, "xiaomi/mimo-v2.6-pro")


@pytest.mark.slow
def test_the_import_from_claude_code(pane: Pane) -> None:
    with server(models=["claude-own"]) as model:
        variables = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_MODEL": "claude-own"}
        (pane.cli.home / ".claude").mkdir()
        (pane.cli.home / ".claude/settings.json").write_text(json.dumps({"env": variables}))
        pane.start()
        pane.pick(MENU, "Import from Claude Code  (a key was found)")
        pane.wait("API key, ~/.claude/settings.json: is taken")
        pane.wait("Take what is marked")
        pane.keys("y")
        to_the_first_answer(pane, "anthropic/claude-own")
        assert model.requests[-1].headers["x-api-key"] == KEY


@pytest.mark.slow
@pytest.mark.parametrize("how", ["browser", "code"])
def test_the_login_of_codex(pane: Pane, how: str) -> None:
    give_browser(pane.cli)
    issuer = Issuer()
    with server(models=GPT) as model, Front(issuer.routes()) as front:
        pane.cli.env |= {"MIMOCODE_CHATGPT_ISSUER": front.url, "MIMOCODE_CHATGPT_URL": f"{model.url}/v1"}
        pane.start()
        pane.pick(MENU, "ChatGPT Plus or Pro")
        pane.pick("How do you log in", "With a browser" if how == "browser" else "With a code")
        if how == "code":
            pane.wait(r"enter the code\s+WXYZ-1234")
        to_the_first_answer(pane, "openai/gpt-6.1-sol")
        assert {each.headers["authorization"] for each in model.requests} == {f"Bearer {issuer.access}"}


@pytest.mark.slow
@pytest.mark.parametrize(("id", "name", "routes", "size"), LOCAL, ids=[each[0] for each in LOCAL])
def test_a_server_that_runs_already(pane: Pane, id: str, name: str, routes: dict[str, Any], size: str) -> None:
    with server() as model, Front(routes, behind=model.url) as front:
        pane.cli.settings(provider={id: {"options": {"baseURL": f"{front.url}/v1"}}})
        pane.start()
        pane.pick(MENU, f"({name} with 1 model")
        pane.wait(f"context: {size} tokens")
        pane.wait(rf"✓ {id}/test-model works")
        first_answer(pane)


@pytest.mark.slow
def test_a_wrong_key_is_no_dead_end(pane: Pane) -> None:
    with server(key=SECRET) as model:
        pane.start()
        for key in ("sk-the-wrong-one", SECRET):
            pane.pick(MENU, "An endpoint of your own")
            pane.wait(lambda text, key=key: text.count("Where does its API begin") == 1 + (key == SECRET))
            pane.answer("Where does its API begin", f"{model.url}/v1", over=True)
            pane.wait(lambda text, key=key: text.count("What do you call it") == 1 + (key == SECRET))
            pane.answer("What do you call it", "mine", over=True)
            if key == SECRET:
                pane.wait("Your settings have a provider mine already. Describe it anew")
                pane.keys("y")
            pane.pick("What does it speak", "Chat Completions")
            pane.wait(lambda text, key=key: text.count("API key (not shown") == 1 + (key == SECRET))
            pane.answer("API key", key)
            if key == SECRET:
                pane.pick("Which model?", "test-model")
            else:
                pane.answer("It did not list them", "test-model")
            pane.wait(lambda text, key=key: text.count("How many tokens") == 1 + (key == SECRET))
            pane.answer("How many tokens", "128K")
            if key != SECRET:
                pane.wait("✗ mine/test-model does not work")
                pane.wait("Choose another way")
        to_the_first_answer(pane, "mine/test-model")
