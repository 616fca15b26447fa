"""From nothing to a model that works, at a real terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.front import Front
from support.homes import KEY
from support.local_servers import LOCAL, ollama
from support.logging_in import READY
from support.model_server import ModelServer
from support.ring import newcomer
from support.tty import Tty, terminal

SECRET = "sk-canary-ffffffffffffffffffff"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return newcomer(tmp_path)


def settings(cli: Cli) -> dict[str, Any]:
    found = list((cli.home / ".config/mimocode").glob("mimocode.json*"))
    return json.loads(found[0].read_text()) if found else {}


def auth(cli: Cli) -> dict[str, Any]:
    return json.loads((cli.home / ".local/share/mimocode/auth.json").read_text())


def pick(tty: Tty, question: str, label: str) -> None:
    """Answer a menu with the option that has this text in it."""
    tty.wait(lambda seen: any(question in row for row in seen.lines) and any("»" in row for row in seen.lines))
    tty.wait(lambda seen: any(label in row for row in seen.lines))
    rows = [row for row in tty.lines if row.startswith((" » ", "   "))]
    at = next(number for number, row in enumerate(rows) if row.startswith(" » "))
    to = next(number for number, row in enumerate(rows) if label in row)
    tty.send(("\x1b[B" if to > at else "\x1b[A") * abs(to - at))
    tty.wait(lambda seen: any(row.startswith(" » ") and label in row for row in seen.lines))
    tty.send("\r")


def answer(tty: Tty, question: str, text: str) -> None:
    """Type an answer and Enter."""
    tty.wait(question)
    tty.send(text + "\r")


def over(tty: Tty, text: str) -> str:
    """Delete what is suggested, then this."""
    return "\x15" + text


# -- an endpoint of one's own ---------------------------------------------------


def test_an_endpoint_of_ones_own_from_the_menu_to_the_first_answer(cli: Cli) -> None:
    with ModelServer([READY, {"text": "Hello again."}], play="sequential") as server:
        with terminal(cli, "setup", columns=110, rows=40) as tty:
            pick(tty, "How do you want", "An endpoint of your own")
            answer(tty, "Where does its API begin", "\x15" + f"{server.url}/v1")
            answer(tty, "What do you call it", "")
            pick(tty, "What does it speak", "Chat Completions")
            answer(tty, "API key", SECRET)
            pick(tty, "Which model", "test-model")
            answer(tty, "How many tokens", "128K")
            tty.wait("works")
            tty.wait("Begin with")
            assert tty.end() == 0
            assert "streaming: yes" in tty.text
            assert "tool calls: yes" in tty.text
            assert "context: 128,000 tokens" in tty.text
            assert SECRET not in tty.text
        assert settings(cli) == {
            "provider": {
                "local": {
                    "name": "local",
                    "npm": "@ai-sdk/openai-compatible",
                    "options": {"baseURL": f"{server.url}/v1"},
                    "models": {"test-model": {"name": "test-model", "limit": {"context": 128_000}}},
                    "env": ["LOCAL_API_KEY"],
                }
            },
            "model": "local/test-model",
        }
        assert auth(cli) == {"local": {"type": "api", "key": SECRET}}
        assert cli("run", "Hi").out == "Hello again.\n"


def test_a_way_that_leads_nowhere_says_why_and_another_may_be_taken(cli: Cli) -> None:
    with ModelServer([READY], key="the-right-key-123") as server:
        with terminal(cli, "setup", columns=110, rows=40) as tty:
            pick(tty, "How do you want", "An endpoint of your own")
            answer(tty, "Where does its API begin", "\x15not an address")
            tty.wait("is no address")
            pick(tty, "How do you want", "An endpoint of your own")
            answer(tty, "Where does its API begin", "\x15" + f"{server.url}/v1")
            answer(tty, "What do you call it", "\x15mine")
            pick(tty, "What does it speak", "Chat Completions")
            answer(tty, "API key", "the-wrong-key-123")
            answer(tty, "Which model. It did not list them", "test-model")
            answer(tty, "How many tokens", "")
            tty.wait("✗ mine/test-model does not work")
            tty.wait("Choose another way")
            pick(tty, "How do you want", "Later")
            assert tty.end() == 130
            assert "`mimo setup` brings this back" in tty.text
    assert "model" not in settings(cli)


def test_ctrl_c_leaves_and_changes_nothing(cli: Cli) -> None:
    with terminal(cli, "setup", columns=110, rows=40) as tty:
        tty.wait("How do you want")
        tty.send("\x03")
        assert tty.end() == 130
    assert settings(cli) == {}


def test_leaving_a_question_leads_back_to_the_menu(cli: Cli) -> None:
    with terminal(cli, "setup", columns=110, rows=40) as tty:
        pick(tty, "How do you want", "An endpoint of your own")
        tty.wait("Where does its API begin")
        tty.send("\x03")
        tty.wait("Back to the menu")
        tty.wait(lambda seen: seen.text.count("How do you want") == 2)
        tty.send("\x03")
        assert tty.end() == 130
    assert settings(cli) == {}


# -- a provider of the catalogue, an import, a server on this machine -----------


def test_the_key_of_a_provider(cli: Cli) -> None:
    with ModelServer([READY], models=["deepseek-flash"]) as server:
        cli.settings(provider={"deepseek": {"options": {"baseURL": f"{server.url}/v1"}}})
        with terminal(cli, "setup", "key", columns=110, rows=40) as tty:
            tty.wait("Which provider")
            tty.send("deepseek")
            tty.wait(lambda seen: any(row.startswith(" » deepseek") for row in seen.lines))
            tty.send("\r")
            tty.wait("deepseek is ready as it is")
            tty.send("n")  # on this machine it might do without a key
            answer(tty, "API key of deepseek", SECRET)
            tty.wait("Which model")
            pick(tty, "Which model", "Flash")
            tty.wait("works")
            assert tty.end() == 0
        assert auth(cli) == {"deepseek": {"type": "api", "key": SECRET}}
        assert settings(cli)["model"] == "deepseek/deepseek-flash"


def test_the_import_from_claude_code(cli: Cli) -> None:
    with ModelServer([READY], models=["claude-own"]) as server:
        variables = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_MODEL": "claude-own"}
        (cli.home / ".claude").mkdir()
        (cli.home / ".claude/settings.json").write_text(json.dumps({"env": variables}))
        with terminal(cli, "setup", columns=110, rows=40) as tty:
            pick(tty, "How do you want", "Import from Claude Code  (a key was found)")
            tty.wait("API key, ~/.claude/settings.json: is taken")
            answer(tty, "Take what is marked", "y")
            tty.wait("anthropic/claude-own works")
            assert tty.end() == 0
            assert KEY not in tty.text
        assert settings(cli)["model"] == "anthropic/claude-own"
        assert server.requests[-1].headers["x-api-key"] == KEY


@pytest.mark.parametrize(("id", "name", "routes", "size"), LOCAL, ids=[each[0] for each in LOCAL])
def test_a_server_that_runs_already(cli: Cli, id: str, name: str, routes: dict[str, Any], size: str) -> None:
    with ModelServer([READY]) as server, Front(routes, behind=server.url) as front:
        cli.settings(provider={id: {"options": {"baseURL": f"{front.url}/v1"}}})
        with terminal(cli, "setup", columns=110, rows=40) as tty:
            pick(tty, "How do you want", f"({name} with 1 model)")
            tty.wait("works")
            assert tty.end() == 0
            assert f"context: {size} tokens" in tty.text
        assert settings(cli)["model"] == f"{id}/test-model"


def test_ollama_somewhere_else_is_asked_there_and_says_what_it_takes_once_the_model_is_loaded(cli: Cli) -> None:
    with ModelServer([READY]) as server, Front(ollama(0, 65_536), behind=server.url) as front:
        with terminal(cli, "setup", "local", columns=110, rows=40, OLLAMA_HOST=front.url) as tty:
            tty.wait("works")
            assert tty.end() == 0
            assert "context: 65,536 tokens" in tty.text
        assert settings(cli)["provider"] == {
            "ollama": {
                "options": {"baseURL": f"{front.url}/v1"},
                "models": {"test-model": {"limit": {"context": 65_536}}},
            }
        }


def test_the_four_thousand_tokens_of_ollama_are_refused_with_the_fix(cli: Cli) -> None:
    with Front(ollama(0)) as front:
        with terminal(cli, "setup", "local", columns=110, rows=40, OLLAMA_HOST=front.url) as tty:
            tty.wait("takes only 4,096 tokens")
            assert "OLLAMA_CONTEXT_LENGTH=65536" in tty.text.replace("\n", "")
            assert tty.end() == 130
    assert settings(cli) == {}


def test_the_demo_needs_no_model(cli: Cli) -> None:
    with terminal(cli, "setup", columns=110, rows=40) as tty:
        pick(tty, "How do you want", "See it work first")
        tty.wait("A test fails. Find out why and fix it|tally")
        tty.send("\x03")
        tty.end()
    assert settings(cli) == {}


# -- around the menu ------------------------------------------------------------


def test_the_ways_can_be_listed_and_scripts_are_told_what_to_do(cli: Cli) -> None:
    listed = cli("setup", "--list")
    assert {line.split()[0] for line in listed.out.splitlines()} >= {"claude", "custom", "key", "local"}
    refused = cli("setup")
    assert (refused.code, "mimo auth login" in refused.err) == (2, True)
    with terminal(cli, "setup", "nowhere") as tty:
        assert tty.end() == 2
        assert "there is no way 'nowhere'" in tty.text


def test_the_model_that_there_is_can_be_tried(cli: Cli) -> None:
    with ModelServer([READY]) as server:
        models = {"test-model": {"limit": {"context": 8_000}}}
        cli.settings(
            model="acme/test-model",
            provider={"acme": {"options": {"baseURL": f"{server.url}/v1", "apiKey": "k-123456"}, "models": models}},
        )
        done = cli("setup", "--check")
        assert done.code == 0
        assert done.out.splitlines()[1:] == [
            "  streaming: yes",
            "  tool calls: yes",
            "  context: 8,000 tokens, too small to work with: give it more",
        ]
    done = cli("setup", "--check")
    assert done.code == 1
    assert done.out.startswith("✗ acme/test-model does not work: cannot reach acme")


def test_a_model_that_only_talks_all_at_once(cli: Cli) -> None:
    with ModelServer([{"text": "Hello.", "chunk": 1000}]) as server:
        options = {"baseURL": f"{server.url}/v1", "apiKey": "k-123456789"}
        section = {"options": options, "models": {"test-model": {}}}
        cli.settings(model="acme/test-model", provider={"acme": section})
        assert cli("setup", "--check").out.splitlines()[1:] == [
            "  streaming: no, answers come all at once",
            "  tool calls: no: it can talk, but hardly work",
            "  context: unknown; a million is assumed",
        ]


def test_mimo_alone_leads_to_a_first_answer(cli: Cli) -> None:
    with (
        ModelServer([READY, {"text": "At your service."}], play="sequential") as server,
        Front({"/v1/models": {"data": [{"id": "test-model", "max_model_len": 131_072}]}}, behind=server.url) as front,
    ):
        cli.settings(provider={"vllm": {"options": {"baseURL": f"{front.url}/v1"}}})
        with terminal(cli, columns=110, rows=40) as tty:
            tty.wait("Welcome to mimo")
            pick(tty, "How do you want", "vLLM with 1 model")
            tty.wait("works")
            tty.wait("vllm/test-model ·|vllm/test-model")
            tty.quiet(0.5)
            tty.send("Hello\r")
            tty.wait("At your service")


def test_a_key_is_enough_and_the_choice_is_said(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}], models=["deepseek-v4-pro", "deepseek-flash"]) as server:
        cli.settings(provider={"deepseek": {"options": {"baseURL": f"{server.url}/v1"}}})
        cli("auth", "login", "deepseek", stdin=SECRET.encode())
        done = cli("run", "Hi")
        assert (done.code, done.out) == (0, "Hello.\n"), done.err
        assert "deepseek/deepseek-" in done.err
        with terminal(cli, "chat", columns=110, rows=40) as tty:
            tty.wait("no model is chosen, deepseek/deepseek-")
        with terminal(cli, "chat", "-m", "deepseek/deepseek-flash", columns=110, rows=40) as tty:
            tty.wait("deepseek/deepseek-flash")
            tty.quiet(0.5)
            assert "no model is chosen" not in tty.text
