"""A day at the terminal, in a real tmux: keys are sent, and what the pane shows is read."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Cli
from support.pane import Pane

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[Pane]:
    """A pane in a project with a file, and settings that ask before commands."""
    cli = Cli(tmp_path)
    (cli.project / "notes.txt").write_text("the answer is 42\n")
    (cli.project / ".git").mkdir()
    (cli.project / ".git/HEAD").write_text("ref: refs/heads/main\n")
    pane = Pane(cli, tmp_path)
    yield pane
    pane.tmux("kill-server")


def bash(command: str) -> dict[str, object]:
    """A call of the shell."""
    return {"calls": [{"name": "bash", "arguments": {"command": command}}]}


def actor(prompt: str) -> dict[str, object]:
    """A call that starts a subagent and waits for it."""
    arguments = {"op": "run", "subagent_type": "explore", "prompt": prompt, "description": "count the files"}
    return {"calls": [{"name": "actor", "arguments": arguments}]}


TABLE = "Here is **what I know**:\n\n| file | lines |\n|---|--:|\n| notes.txt | 1 |\n\n```python\nprint('fine')\n```\n"
TURNS = [
    [{"text": TABLE}],
    [bash("touch made"), bash("rm notes.txt"), {"text": "I was told: ${result}"}],
    [{"text": "on " * 4000, "pace": 0.05}],
    [
        {"calls": [{"name": "write", "arguments": {"file_path": "hello.txt", "content": "hello\n"}}]},
        {"text": "It is written."},
    ],
    [{"text": "You said: ${prompt}"}],
    [{"text": "You pasted something."}],
    [{"text": "The goal is met."}],
    [{"text": "I am back."}],
]


@pytest.mark.slow
def test_a_day_at_the_terminal(pane: Pane) -> None:
    path = pane.cli.home / "day.json"
    path.write_text(json.dumps({"turns": TURNS}))
    pane.cli.settings(permission={"bash": "ask"}, model="scripted/hello")
    pane.start()
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

    pane.say("/goal there is a file :: test -e made", "The goal is met")
    pane.say("/timeline", "Timeline: ")
    pane.keys("Escape")

    os.kill(pane.pid, signal.SIGKILL)
    pane.start("-c")
    pane.wait("Going on with")
    pane.say("are you there?", "I am back")
