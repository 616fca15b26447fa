"""Every slash command once and every key once, against a scripted session; all of them stand in /help and the README."""

from __future__ import annotations

import asyncio
import re
from importlib.resources import files
from pathlib import Path

import pytest

from mimocode.host import Host
from mimocode_plugins.ui.terminal.keymap import ACTIONS, bound, written
from mimocode_plugins.ui.terminal.keys import HELP
from mimocode_plugins.ui.terminal.slash import ELSEWHERE, LATER, OURS, meant, summaries
from support.cli import Cli
from support.tty import Tty, terminal

ANSWER = "The model answers"
ESCAPE = "\x1b"
TURN = [
    # What stands for a turn of the agent: its words are a prompt. The rest is filled in below.
    "init", "review", "commit", "explain things", "test", "team add a line",
]  # fmt: skip
SHOWS = {
    "help": "put the last answer on the clipboard",
    "status": "broken plugins: none",
    "cost": "in: [\\d,]+ tokens",
    "context": "tool definitions|of the window|share",
    "context-limit": "tokens|limit",
    "thinking": "Thoughts are (shown|hidden)",
    "toggle-thinking": "Thoughts are (shown|hidden)",
    "details": "Tool calls are|with details",
    "copy": "Handed to the terminal's clipboard",
    "export": "Written to",
    "rename A better title": "Title: A better title",
    "btw why": f"│ {ANSWER}",
    "dark": "Colours for a dark background",
    "light": "Colours for a light background",
    "keymap emacs": "keys of emacs",
    "language en": "The language is changed",
    "lang en": "The language is changed",
    "themes harbour": "Theme: harbour",
    "theme harbour": "Theme: harbour",
    "tasks": "There are no tasks and no subagents",
    "actors": "There are no subagents yet",
    "skills": "compose:tdd: Red, green",
    "mcps": "there are no MCP servers",
    "permissions": "permission|rules?",
    "permission-timeout": "wait|seconds|timeout",
    "sandbox": "bubblewrap|sandbox",
    "memory": "remembered|memory",
    "goal": "goal",
    "max": "(M|m)ax|candidates|propos",
    "loop": "loop|/loop|nothing",
    "loops": "nothing|no loops|scheduled",
    "workflow": "workflow",
    "dream": "dream|memory|sessions|nothing|model",
    "distill": "looked through|nothing",
    "undo preview": "Takes back|taken back|Nothing|nothing",
    "redo": "nothing|Nothing",
    "revert": "revert|message|number|Takes back",
    "rebuild": "window|record|nothing|turn",
    "compact": "made smaller|window|nothing",
    "summarize": "made smaller|window|nothing",
}
LISTS = {
    "models": "Model",
    "model": "Model",
    "agents": "Agent: ▏[\\s\\S]*subagents",
    "agent": "Agent: ▏",
    "timeline": "Timeline: ▏",
    "themes": "Theme",
    "language": "Language: ▏",
}
"""What opens a list that Esc closes."""
PROGRAMS = {
    "plugins": "ui.terminal",
    "doctor": "Python",
    "cron": "nothing is scheduled|WHEN|cron",
    "audit": "allowed|ran|nothing|session",
    "stats": "not there yet|tokens",
    "worktree": "not there yet|worktree",
}
"""What is also a command of `mimo`."""
LEAVES = {
    "new": "❯ /new",
    "clear": "❯ /clear",
    "fork": "Going on with",
    "sessions": "Go on with|no other session",
    "resume": "Go on with|no other session",
    "continue": "Go on with|no other session",
    "connect": "How do you want to get a model",
    "login": "How do you want to get a model",
    "editor": "from the editor",
    "exit": "Go on with: mimo -s",
    "quit": "Go on with: mimo -s",
    "q": "Go on with: mimo -s",
}


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own, with an editor that writes."""
    cli = Cli(tmp_path)
    editor = cli.home / "editor"
    editor.write_text('#!/bin/sh\necho "from the editor" > "$1"\n')
    editor.chmod(0o755)
    cli.env["VISUAL"] = str(editor)
    cli.settings(permission={"bash": "allow", "skill": "allow"})
    return cli


def idle(tty: Tty) -> None:
    """Wait until the prompt is empty and nothing runs."""
    tty.wait(
        lambda tty: (
            "Say what to do" in "".join(tty.lines[-2:])
            and "esc interrupts" not in tty.text
            and re.search(r"^  (build|plan|max|compose) · ", tty.lines[-1])
        )
    )


def everything(folder: Path) -> dict[str, str]:
    """All commands of a fresh workspace, by name."""
    found = asyncio.run(summaries(Host(directory=folder, external=False)))
    return {**found, **{alias: one.summary for one in OURS for alias in one.aliases}}


def run(tty: Tty, command: str, wanted: str) -> None:
    """Type a command and wait for what it brings after its own line."""
    idle(tty)
    before = len(tty.text.splitlines()) - 4
    tty.send(f"/{command} ")
    tty.wait(lambda tty: f"❯ /{command}" in "\n".join(tty.lines))
    tty.send("\r")
    tty.wait(lambda tty: re.search(wanted, "\n".join(tty.text.splitlines()[max(0, before) :])))


def test_there_is_a_row_here_for_every_command(tmp_path: Path) -> None:
    rows = {row.split()[0] for row in (*SHOWS, *LISTS, *PROGRAMS, *LEAVES, *TURN)} | ELSEWHERE.keys() | LATER.keys()
    missing = {name for name in everything(tmp_path) if not name.startswith("compose:")} - rows
    assert missing == set()


def test_what_every_command_says(cli: Cli) -> None:
    there = everything(cli.project)
    rows = [*SHOWS.items(), *((name, re.escape(text[:30])) for name, text in ELSEWHERE.items() if name not in there)]
    rows += [(name, "not there yet") for name in LATER if there.get(name, "").startswith("not there yet")]
    with terminal(cli, "-m", cli.scenario([{"text": ANSWER}]), "--prompt", "go", columns=100, rows=60) as tty:
        tty.wait(ANSWER)
        for command, wanted in rows:
            run(tty, command, wanted)
            idle(tty)


def test_what_opens_a_list_runs_a_program_or_asks_the_model(cli: Cli) -> None:
    with terminal(cli, "-m", cli.scenario([{"text": ANSWER}]), "--prompt", "go", columns=100, rows=60) as tty:
        tty.wait(ANSWER)
        for command, wanted in LISTS.items():
            run(tty, command, wanted)
            tty.send(ESCAPE)
        for command, wanted in PROGRAMS.items():
            run(tty, command, wanted)
        skills = [name for name in everything(cli.project) if name.startswith("compose:")]
        for command in (*TURN[:-1], skills[0], skills[-1]):
            idle(tty)
            before = tty.text.count(ANSWER)
            tty.send(f"/{command} ")
            tty.wait(lambda tty, command=command: f"❯ /{command}" in "\n".join(tty.lines))
            tty.send("\r")
            tty.wait(lambda tty, before=before: tty.text.count(ANSWER) > before)


def test_what_leads_elsewhere(cli: Cli) -> None:
    model = cli.scenario([{"text": ANSWER}])
    with terminal(cli, "-m", model, "--prompt", "go", columns=100, rows=60) as tty:
        tty.wait(ANSWER)
        for command in ("editor", "fork", "new", "clear", "resume", "sessions", "continue"):
            run(tty, command, LEAVES[command])
            tty.send("\x03" if command == "editor" else ESCAPE if command in ("resume", "sessions", "continue") else "")
        run(tty, "login", LEAVES["login"])
        tty.send("\x03")
        run(tty, "connect", LEAVES["connect"])
        tty.send("\x03")
        run(tty, "rename x", "Title: x")
        run(tty, "q", LEAVES["q"])
        assert tty.end() == 0


PRESSED = {
    "app_exit": "Go on with: mimo -s",
    "editor_open": "❯ from the editor",
    "theme_list": "Theme",
    "status_view": "broken plugins: none",
    "session_export": "Written to",
    "session_new": "❯ /new",
    "session_list": "Go on with",
    "session_timeline": "Timeline: ▏",
    "session_compact": "❯ /compact",
    "messages_copy": "Handed to the terminal's clipboard",
    "messages_undo": "❯ /undo",
    "messages_redo": "❯ /redo",
    "model_list": "Model( \\(\\d+\\))?: ▏",
    "agent_list": "Agent: ▏",
    "agent_cycle_reverse": "Agent: ",
    "input_paste": "No program hands out the clipboard|no image on the clipboard",
    "command_list": "choose the agent",
    "tool_details": "with details|Tool calls are brief",
    "display_thinking": "Thoughts are (shown|hidden)",
    "help_show": "search earlier prompts",
}
SEQUENCES = {"c-x": "\x18", "c-p": "\x10", "c-v": "\x16", "f1": "\x1bOP", "f2": "\x1bOQ", "s-tab": "\x1b[Z"}
FILLED = {"editor_open": "❯ from the editor", "command_list": "❯ /\n", "messages_undo": "❯ go\n  build"}
"""What leaves something in the prompt."""
LASTING = ("theme_list", "session_list", "session_timeline", "model_list", "agent_list")


def test_every_key_of_an_action_does_it(cli: Cli) -> None:
    keys = bound({})[0]
    assert PRESSED.keys() == {name for name, chosen in keys.items() if chosen}
    late = ("session_new", "session_list", "app_exit")
    with terminal(cli, "-m", cli.scenario([{"text": ANSWER}]), "--prompt", "go", columns=100, rows=60) as tty:
        tty.wait(ANSWER)
        for name in (*(name for name in PRESSED if name not in late), *late):
            for sequence in keys[name]:
                idle(tty)
                if name == "app_exit":
                    run(tty, "rename x", "Title: x")
                    idle(tty)
                before = max(0, len(tty.text.splitlines()) - 4)
                tty.send("".join(SEQUENCES.get(key, key) for key in sequence))
                tty.wait(
                    lambda tty, name=name, before=before: re.search(
                        PRESSED[name], "\n".join(tty.text.splitlines()[before:])
                    )
                )
                if name in LASTING:
                    tty.send(ESCAPE)
                elif name in FILLED:
                    tty.wait(lambda tty, name=name: re.search(FILLED[name], "\n".join(tty.lines[-12:])))
                    tty.send("\x1b" * (name == "command_list"))
                    tty.wait(lambda tty: "❯ " in tty.lines[-2])
                    tty.send("\x03")
        assert tty.end() == 0


def test_every_key_of_the_prompt_does_what_the_table_says(cli: Cli) -> None:
    assert [key for key, _ in HELP][:13] == [
        "Enter", "Alt-Enter, Ctrl-J", "Esc", "Esc Esc", "Ctrl-C", "Ctrl-D", "Tab", "Up, Down", "Ctrl-R",
        "Ctrl-X Ctrl-E", "Ctrl-_", "Ctrl-L", "Ctrl-Z",
    ]  # fmt: skip
    with terminal(cli, "-m", cli.scenario([{"text": ANSWER}]), columns=100, rows=40) as tty:
        idle(tty)
        tty.send("one\x0atwo\x1b\rthree")
        tty.wait("❯ one\n  two\n  three")
        tty.send("\x1f\x1f\x1f\x1f\x1f\x1f")
        tty.wait(lambda tty: "three" not in tty.text)
        tty.send("\x03")
        idle(tty)
        tty.send("first words\r")
        tty.wait(lambda tty: tty.text.count(ANSWER) == 1)
        idle(tty)
        tty.send("\x1b[A")
        tty.wait(lambda tty: tty.text.count("❯ first words") == 2)
        tty.send("\x1b[B\x12irst")
        tty.wait("irst")
        tty.send("\r\r")
        tty.wait(lambda tty: tty.text.count(ANSWER) == 2)
        idle(tty)
        tty.send("\x18\x05")
        tty.wait("❯ from the editor")
        tty.send("\x1b")
        tty.wait("Esc again to clear")
        tty.send("\x1b")
        idle(tty)
        tty.send("\t")
        tty.wait("Agent: plan")
        idle(tty)
        frames = tty.raw.count(b"\x1b[?2026h")
        tty.send("\x0c")
        tty.wait(lambda tty: tty.raw.count(b"\x1b[?2026h") > frames)
        tty.send("\x04")
        assert tty.end() == 0


def test_help_and_the_readme_have_every_command_and_every_key(cli: Cli) -> None:
    readme = (Path(str(files("mimocode_plugins.ui"))) / "README.md").read_text("utf-8")
    names = [name for name in everything(cli.project) if not name.startswith("compose:")]
    keys = [key for key, _ in HELP] + [written(sequence) for chosen in bound({})[0].values() for sequence in chosen]
    assert [name for name in names if f"`/{name}" not in readme] == []
    assert [key for key in keys if f"`{key}`" not in readme] == []
    assert [action.name for action in ACTIONS if f"`{action.name}`" not in readme] == []
    with terminal(cli, "-m", "scripted/hello", columns=200, rows=60) as tty:
        idle(tty)
        tty.send("/help \r")
        tty.wait("/worktree")
        idle(tty)
        shown = tty.text
    assert [name for name in names if not re.search(rf"/{re.escape(name)}\b", shown)] == []
    assert [key for key in keys if key not in shown] == []


def test_who_is_faster_than_the_list_is_understood(cli: Cli) -> None:
    known = ["compact", "compose:tdd", "undo", "unshare"]
    assert [meant(name, known) for name in ("compa", "comp", "undo", "un", "zz")] == [
        "compact",
        "comp",
        "undo",
        "un",
        "zz",
    ]
    with terminal(cli, "-m", "scripted/hello", columns=100) as tty:
        idle(tty)
        tty.send("/detail\r")  # in one piece: no list can come up in between
        tty.wait("with details")
        tty.send("/\r!\r")
        tty.wait("/ begins a command")
        tty.wait("! runs a command of yours")
        tty.send("/")
        tty.wait("/agents +choose the agent")
        tty.send("\r")  # nothing was chosen
        tty.quiet(0.2)
        assert "❯ /" in tty.lines and "❯ /actors" not in tty.text
