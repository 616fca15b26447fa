"""Every slash command does what it says, or says why not."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mimocode_plugins.ui.terminal.slash import HINTS, LATER, OURS
from mimocode_plugins.ui.terminal.slash_show import clipboard
from support.cli import Cli
from support.tty import Tty, terminal

TURNS = [
    [{"text": "First **answer**.", "usage": {"input": 1000, "output": 50, "cache_read": 500}}],
    [{"text": "Second answer."}],
]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


@pytest.fixture
def tty(cli: Cli) -> Iterator[Tty]:
    """A terminal where one question has been answered."""
    path = cli.home / "turns.json"
    import json

    path.write_text(json.dumps({"turns": TURNS}))
    with terminal(cli, "chat", "-m", f"scripted/{path}", "--prompt", "first question", columns=100, rows=40) as tty:
        tty.wait("First answer")
        idle(tty)
        yield tty


def idle(tty: Tty) -> None:
    """Wait until the prompt is empty and nothing runs."""
    tty.wait(lambda tty: "Say what to do" in "".join(tty.lines[-2:]) and "esc interrupts" not in tty.text)


def run(tty: Tty, command: str, wanted: str) -> None:
    """Type a command and wait for what it brings."""
    tty.send(command)
    tty.wait(lambda tty: f"❯ {command}" in tty.lines[-2] or f"❯ {command}" in "\n".join(tty.lines[-12:]))
    tty.send("\r")
    tty.wait(wanted)


def test_what_shows_something(tty: Tty, cli: Cli) -> None:
    run(tty, "/cost", "in: 1,000 tokens, 50% of them from the cache")
    run(tty, "/context", "answers and calls")
    run(tty, "/status", "broken plugins: none")
    run(tty, "/thinking", "Thoughts are shown")
    run(tty, "/details", "with details from here on")
    run(tty, "/export notes.md", "Written to .*notes.md")
    assert "## User\n\nfirst question\n\n## Assistant\n\nFirst **answer**.\n" in (cli.project / "notes.md").read_text()
    run(tty, "/export notes.md", "exists already")
    run(tty, "/copy", "Handed to the terminal's clipboard")
    assert base64.b64encode(b"First **answer**.") in tty.raw
    run(tty, "/compact", "the context cannot be made smaller")
    run(tty, "/nonsense", "There is no command /nonsense")


def test_help_names_every_command_and_key(tty: Tty) -> None:
    run(tty, "/help", "/exit")
    idle(tty)
    for command in OURS:
        assert re.search(rf"/{command.name}\b", tty.text), command.name
    for key in ("Alt-Enter", "Ctrl-R", "Ctrl-X Ctrl-E", "Esc"):
        assert key in tty.text


def test_undo_takes_back_and_gives_the_words_again(tty: Tty) -> None:
    run(tty, "second question", "Second answer")
    idle(tty)
    run(tty, "/undo", "Taken back")
    tty.wait(lambda tty: "❯ second question" in tty.lines[-2])
    tty.send("\r")
    tty.wait(lambda tty: tty.text.count("Second answer.") == 2)


def test_another_session_and_back(tty: Tty) -> None:
    run(tty, "/rename The first one", "Title: The first one")
    run(tty, "/new", "❯ /new")
    tty.wait(lambda tty: "tokens" not in tty.lines[-1] and "build" in tty.lines[-1])
    run(tty, "/resume", "Go on with")
    tty.wait("❯ The first one")
    tty.send("\r")
    tty.wait("Going on with The first one")
    tty.wait(lambda tty: tty.text.count("First answer.") == 2)
    run(tty, "/fork", "Going on with.*\n(.*\n)+.*Going on with")
    run(tty, "/exit", "Go on with: mimo -s")
    assert tty.end() == 0


def test_models_and_agents_are_chosen_from_a_list_or_by_name(tty: Tty) -> None:
    run(tty, "/agents", r"Agent: ▏")
    tty.send("pla")
    tty.wait("❯ plan")
    tty.send("\r")
    tty.wait(lambda tty: tty.lines[-1].startswith("  plan · "))
    run(tty, "/models scripted/hello", "Model: scripted/hello")
    tty.wait(lambda tty: "scripted/hello" in tty.lines[-1])
    run(tty, "/models scripted/helo", "no scenario named 'helo'")
    run(tty, "/model", r"Model \(\d+\): ▏")
    tty.send("\x1b")
    idle(tty)


def test_the_editor_writes_the_prompt(cli: Cli) -> None:
    editor = cli.home / "editor"
    editor.write_text('#!/bin/sh\necho "from the editor" > "$1"\n')
    editor.chmod(0o755)
    with terminal(cli, "chat", "-m", "scripted/hello", VISUAL=str(editor)) as tty:
        idle(tty)
        tty.send("\x18\x05")
        tty.wait("❯ from the editor")
        tty.send("\x03")
        idle(tty)
        tty.send("/editor\r")
        tty.wait("❯ from the editor")


def test_a_session_goes_on_after_kill_9(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "on " * 3000, "pace": 0.01}]), "--prompt", "go") as tty:
        tty.wait("on on on")
    with terminal(cli, "chat", "-c", "-m", "scripted/hello") as tty:
        tty.wait("Going on with")
        tty.wait("■ Interrupted")
        assert "❯ go" in tty.text
        tty.send("and now?\r")
        tty.wait("Hello. I am a scripted model")


def test_it_needs_a_terminal(cli: Cli) -> None:
    done = cli("chat")
    assert (done.code, done.out) == (2, "")
    assert done.err == 'mimo: `mimo` needs a terminal to talk; for scripts there is mimo run "what to do".\n'


def test_names_are_not_taken_twice() -> None:
    names = [name for one in OURS for name in (one.name, *one.aliases)]
    assert len(names) == len(set(names))
    assert not set(names) & set(LATER)
    assert set(HINTS) <= set(LATER)


def test_the_clipboard_goes_through_tmux_and_screen() -> None:
    assert clipboard(b"hi", {}) == "\x1b]52;c;aGk=\x07"
    assert clipboard(b"hi", {"TMUX": "x"}) == "\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\"
    assert clipboard(b"hi", {"TERM": "screen"}) == "\x1bP\x1b]52;c;aGk=\x07\x1b\\"


def test_a_command_gets_the_terminal_and_the_user_answers_it(cli: Cli) -> None:
    asks = "test -t 0 && read -r -p 'Password? ' word"
    waits = "trap 'kill $!; exit 7' INT; sleep 100 & echo got $word > answer; wait"
    command = f"{asks}; {waits}"
    call = {"name": "bash", "arguments": {"command": command, "interactive": True}}
    model = cli.scenario([{"calls": [call]}, {"text": "Thank you."}])
    with terminal(cli, "chat", "--yolo", "-m", model, "--prompt", "log in", columns=100) as tty:
        tty.wait(r"\nPassword\?")
        tty.send("open sesame\r")
        tty.wait(lambda tty: (cli.project / "answer").exists())
        tty.send("\x1a\x03")  # both reach the command, not us; stopped it would never end
        tty.wait("Thank you")
        idle(tty)
        assert (cli.project / "answer").read_text() == "got open sesame\n"
        run(tty, "/exit", "Go on with")
        assert tty.end() == 0
    shown = cli("session", "show", "last", "--format", "json")
    assert "The user had the terminal; exit code 7." in shown.out
