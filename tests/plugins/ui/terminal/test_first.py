"""The first prompt is there before the rest is loaded: what is typed meanwhile arrives, and nothing of it stays."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mimocode.main import Commands
from support.cli import ROOT, Cli
from support.tty import terminal

LOADED = """
import sys
from mimocode.main import Commands, complain
from mimocode import hookspecs as on
from mimocode.plugins import Plugins
commands = Commands()
Plugins(None, False, complain).hooks.collect_now(on.register_cli, commands=commands)
print(" ".join(sys.modules))
print(commands.parser.parse_args(["dream", "--dry-run"]).dry_run)
"""


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


def test_what_is_typed_before_the_prompt_listens_arrives(cli: Cli) -> None:
    with terminal(cli, "-m", cli.scenario([{"text": "You said: ${prompt}"}])) as tty:
        tty.wait(lambda tty: b"opening" in tty.raw)
        early = len(tty.raw)
        assert b"\x1b[?2004h" not in tty.raw  # nobody listens yet
        os.write(tty._handle, b"hello\rand more")
        tty.wait("You said: hello")
        tty.wait("❯ and more")
        assert tty.text.splitlines()[:3] == ["❯ hello", "", "You said: hello"]
        assert b"hello" not in tty.raw[:early]
        tty.wait(lambda tty: "esc interrupts" not in tty.text)
        tty.send("\x15\x04")
        assert tty.end() == 0
        assert "opening" not in tty.text and "Say what" not in tty.text


def test_who_cannot_begin_gets_the_terminal_back_as_it_was(cli: Cli) -> None:
    with terminal(cli, "-s", "ses_none", "-m", "scripted/hello") as tty:
        assert tty.end() == 2
        assert tty.lines[0].startswith("mimo: there is no session 'ses_none'")


def test_a_narrow_terminal_and_no_colours(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello", columns=30, rows=6, NO_COLOR="1") as tty:
        tty.wait(lambda tty: b"opening" in tty.raw)
        assert b"\x1b[1;36m" not in tty.raw
        tty.wait(lambda tty: "build" in tty.lines[-1])
        assert tty.text.count("❯") == 1


def test_nothing_is_loaded_to_declare_arguments_that_nobody_asked_for() -> None:
    path = os.pathsep.join(str(ROOT / folder) for folder in ("kernel", "plugins"))
    done = subprocess.run([sys.executable, "-c", LOADED], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True)  # fmt: skip
    loaded, declared = done.stdout.splitlines()
    heavy = {"growth.dream.running", "growth.distill.running", "crew.workflows.engine", "crew.children.team"}
    assert {f"mimocode_plugins.{name}" for name in heavy} & set(loaded.split()) == set(), done.stderr
    assert declared == "True"


def test_arguments_are_declared_once_whoever_asks_first() -> None:
    declared: list[str] = []

    def declare(parser: argparse.ArgumentParser) -> None:
        declared.append(parser.prog)
        parser.add_argument("--loud", action="store_true")

    commands = Commands()
    for name in ("say", "group one"):
        commands.add(name, "a summary", lambda args, host: None, declare)  # type: ignore[arg-type, return-value]
    assert declared == []
    assert commands.parser.parse_args(["group", "one", "--loud"]).loud
    assert not commands.parser.parse_args(["group", "one"]).loud
    assert declared == ["mimo group one"]
