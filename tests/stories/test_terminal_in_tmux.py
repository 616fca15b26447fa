"""A day at the terminal, in a real tmux: keys are sent, and what the pane shows is read."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Cli
from support.logging_in import READY
from support.model_server import ModelServer
from support.pane import Pane
from support.ring import no_keyring

pytestmark = [pytest.mark.timeout(600), pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")]


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[Pane]:
    """A pane in a project with a file, for someone who has no model yet."""
    cli = Cli(tmp_path)
    no_keyring(cli)
    (cli.project / "notes.txt").write_text("the answer is 42\n")
    skill = cli.home / ".config/mimocode/skills/greeting/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: greeting\ndescription: Greets people.\n---\nBow before you speak.\n")
    (cli.project / ".git").mkdir()
    (cli.project / ".git/HEAD").write_text("ref: refs/heads/main\n")
    pane = Pane(cli, tmp_path)
    yield pane
    pane.tmux("kill-server")


def bash(command: str) -> dict[str, object]:
    """A call of the shell."""
    return {"calls": [{"name": "bash", "arguments": {"command": command}}]}


TABLE = "Here is **what I know**:\n\n| file | lines |\n|---|--:|\n| notes.txt | 1 |\n\n```python\nprint('fine')\n```\n"
SLOW = "on " * 4000
COUNTING = " ".join(f"file{number}" for number in range(4000))
TURNS = [
    [{"text": COUNTING, "pace": 0.05}],  # what the subagent says; the first turn of the session was the other model's
    [{"text": TABLE}],
    [bash("touch made"), bash("rm notes.txt"), {"text": "I was told: ${result}"}],
    [{"text": SLOW, "pace": 0.05}],
    [
        {"calls": [{"name": "write", "arguments": {"file_path": "hello.txt", "content": "hello\n"}}]},
        {"text": "It is written."},
    ],
    [{"text": "You said: ${prompt}"}],
    [{"text": "You pasted something."}],
    [{"text": "The skill says: ${prompt}"}],
    [
        {"calls": [{"name": "task", "arguments": {"operation": {"action": "create", "summary": "Count the files"}}}]},
        {"calls": [{"name": "actor", "arguments": {"action": "spawn", "subagent_type": "explore", "prompt": "count"}}]},
        {"text": COUNTING, "pace": 0.05},
    ],
    [{"text": "The goal is met."}],
    [{"text": "I am back."}],
]


def connected(pane: Pane, server: ModelServer) -> None:
    """The first start: an endpoint is named, tried, and answers in the conversation that follows."""
    pane.start()
    pane.wait("Welcome to mimo")
    pane.pick("How do you want", "An endpoint of your own")
    pane.answer("Where does its API begin", f"{server.url}/v1", over=True)
    pane.answer("What do you call it", "mine", over=True)
    pane.pick("What does it speak", "Chat Completions")
    pane.answer("API key", "any-key")
    pane.pick("Which model", "test-model")
    pane.answer("How many tokens", "128K")
    pane.wait("✓ mine/test-model works")
    pane.say("are you there?", "Here I am")


@pytest.mark.slow
def test_a_day_at_the_terminal(pane: Pane) -> None:
    path = pane.cli.home / "day.json"
    path.write_text(json.dumps({"turns": TURNS}))
    pane.cli.settings(permission={"bash": "ask", "actor": "allow", "task": "allow"})
    here = {"text": "Here I am."}
    with ModelServer([READY, *[here] * 9], play="sequential") as server:
        connected(pane, server)
        pane.say(f"/models scripted/{path}", "Model: scripted/")
    shown = pane.say("what do you know?", r"print\('fine'\)")
    pane.wait(r"❯ Say what to do[^\n]*\n  \w+ · [^\n]*\s*\Z")
    assert "Waiting for the model" not in pane.text and pane.text.count("Say what to do") == 1
    assert "notes.txt" in shown and "⎇ main" in pane.text

    pane.say("do it", "y once")
    assert "$ touch made" in pane.text
    pane.type("y")
    pane.wait(r"\$ rm notes.txt[\s\S]*y once")
    pane.type("m")
    pane.wait("why not\\?")
    pane.type("keep the notes")
    pane.keys("Enter")
    pane.wait("I was told: Denied: keep the notes")
    assert (pane.cli.project / "made").exists() and (pane.cli.project / "notes.txt").exists()

    pane.say("talk and talk", "on on on")
    pane.keys("Escape")
    pane.wait("■ Interrupted")
    assert len(re.findall(r"^on on", pane.text, re.MULTILINE)) == 1

    pane.say("write a file", "It is written")
    pane.say("/undo preview", "Takes back the turn")
    assert (pane.cli.project / "hello.txt").exists()
    pane.say("/undo", "❯ write a file\\s+build")
    assert not (pane.cli.project / "hello.txt").exists()
    pane.keys("C-c")

    pane.say("/redo", "Put back")
    pane.keys("Tab")
    pane.wait("Agent: plan")
    pane.keys("BTab")
    pane.wait("Agent: build")
    pane.say("look at @notes.txt", r"You said: [\s\S]*look at @notes\.txt")

    pane.wait(r"❯ Say what to do[^\n]*\n")
    pane.tmux("set-buffer", "one\ntwo\nthree\nfour")
    pane.tmux("paste-buffer", "-p")
    pane.wait(r"\[Pasted #1: 4 lines\]")
    pane.keys("Enter")
    pane.wait("You pasted something")

    pane.say("/greeting for a duke", r"The skill says: [\s\S]*Bow before you speak[\s\S]*for a duke")
    assert "❯ /greeting for a duke" in pane.text and "❯ <skill" not in pane.text

    pane.say("let somebody count", "file1 file2")
    pane.type("/tasks ")
    pane.keys("Enter")
    pane.wait(r"Tasks and subagents: 1 of 2 under way\s+○ T1 Count the files\s+◐ explore-1")
    pane.keys("Escape")
    pane.wait(lambda text: "under way" not in text)
    pane.keys("Escape")
    pane.wait(r"■ Interrupted[\s\S]*■ Interrupted")

    pane.say("/goal there is a file :: test -e made", "The goal is met")
    pane.say("/timeline", "Timeline: ")
    pane.keys("Escape")

    os.kill(pane.pid, signal.SIGKILL)
    pane.start("-c")
    pane.wait("Going on with")
    pane.say("are you there?", "I am back")


def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_prompt_back(pane: Pane) -> None:
    model = pane.cli.scenario([{"text": "You said: ${prompt}"}])
    pane.shell()
    pane.type(f"{sys.executable} -m mimocode.main -m {model}\n")
    pane.say("before", "You said: before")
    pane.wait(r"❯ Say what to do[^\n]*\n  \w+ · [^\n]*\s*\Z")
    pane.type("half a ")
    pane.wait("❯ half a")
    pane.keys("C-z")
    pane.wait("Stopped")
    pane.type("echo the shell says $((40+2))\n")
    pane.wait("the shell says 42")
    pane.type("fg\n")
    pane.wait(r"fg\n[\s\S]*❯ half a")
    pane.type("line")
    pane.wait("❯ half a line")
    pane.keys("Enter")
    pane.wait("You said: half a line")
    assert pane.text.count("You said: before") == 1
