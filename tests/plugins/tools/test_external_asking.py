"""`mimo mcp add` without arguments: asked at a real terminal, refused where nobody sits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.cli import Cli
from support.tty import terminal

DOWN, ENTER = "\x1b[B", "\r"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


def test_a_program_is_added_by_answering(cli: Cli) -> None:
    with terminal(cli, "mcp", "add") as tty:
        for question, answer in [
            ("A name for the server", "files"),
            ("What is it", ""),
            ("The command", "npx -y 'a server' ."),
            ("Variables for it", "A=1 B='x y'"),
            ("For what", DOWN),
        ]:
            tty.wait(question)
            tty.send(answer + ENTER)
        tty.wait("added files to")
        assert tty.end() == 0
    entry = {"type": "local", "command": ["npx", "-y", "a server", "."], "environment": {"A": "1", "B": "x y"}}
    [file] = [*cli.project.glob("mimocode.json*"), *cli.project.glob(".mimocode/mimocode.json*")]
    assert json.loads(file.read_text())["mcp"] == {"files": entry}


def test_an_address_is_added_and_what_was_said_is_not_asked(cli: Cli) -> None:
    with terminal(cli, "mcp", "add", "docs") as tty:
        tty.wait("What is it")
        assert "A name for the server" not in tty.text
        tty.send(DOWN + ENTER)
        tty.wait("Its address")
        tty.send("docs.example/mcp" + ENTER)
        tty.wait("Headers for it")
        tty.send("X-Team=7" + ENTER)
        tty.wait("For what")
        tty.send(ENTER)
        tty.wait("added docs to")
        assert tty.end() == 0
    kept = json.loads((cli.home / ".config/mimocode/mimocode.json").read_text())["mcp"]
    assert kept == {"docs": {"type": "remote", "url": "https://docs.example/mcp", "headers": {"X-Team": "7"}}}


def test_who_leaves_changes_nothing(cli: Cli) -> None:
    with terminal(cli, "mcp", "add") as tty:
        tty.wait("A name for the server")
        tty.send("\x03")
        assert tty.end() == 130
    assert not (cli.home / ".config/mimocode/mimocode.json").exists()


@pytest.mark.parametrize("words", [(), ("files",)])
def test_where_nobody_sits_it_says_how(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli("mcp", "add", *words)
    assert done.code == 2
    assert "say `mimo mcp add NAME URL` or `mimo mcp add NAME -- COMMAND`" in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("files", "--env", "A=1", "--", "npx", "-y", "x"),
        ("--env", "A=1", "files", "--", "npx", "-y", "x"),
        ("files", "--", "npx", "-y", "x"),
    ],
)
def test_with_arguments_it_asks_nothing(cli: Cli, words: tuple[str, ...]) -> None:
    assert cli("mcp", "add", *words).code == 0
    kept = json.loads((cli.home / ".config/mimocode/mimocode.json").read_text())["mcp"]["files"]
    assert kept == {"type": "local", "command": ["npx", "-y", "x"]} | (
        {"environment": {"A": "1"}} if "--env" in words else {}
    )
