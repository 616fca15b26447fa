"""`mimo mcp add` without arguments: asked at a real terminal, refused where nobody sits."""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from mimocode.errors import UsageError
from mimocode.host import Host
from mimocode_plugins.store import workspace
from mimocode_plugins.tools.external import commands
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


@pytest.mark.parametrize(
    ("given", "entry"),
    [
        ("--transport http x https://h/mcp", {"type": "remote", "url": "https://h/mcp"}),
        ("-t sse x https://h/sse", {"type": "sse", "url": "https://h/sse"}),
        (
            "x https://h/mcp -H 'Authorization: Bearer k'",
            {"type": "remote", "url": "https://h/mcp", "headers": {"Authorization": "Bearer k"}},
        ),
        ("-e K=1 x -- npx -y server", {"type": "local", "command": ["npx", "-y", "server"], "environment": {"K": "1"}}),
        ("-t stdio -s user x 'npx -y server'", {"type": "local", "command": ["npx", "-y", "server"]}),
    ],
)
async def test_what_people_know_from_claude_code_works(given: str, entry: dict[str, Any], tmp_path: Path) -> None:
    await added(given, tmp_path)
    assert json.loads((tmp_path / ".config/mimocode/mimocode.json").read_text()) == {"mcp": {"x": entry}}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("x ftp://h/mcp", "must begin with http:// or https://"),
        ("-t http x h.example", "must begin with http:// or https://"),
        ("x https://h/mcp -e K=1", "--env is for servers that run here"),
        ("x -H A=b -- npx", "are for servers at an address"),
        ("-t sse x -- npx -y server", "are for servers at an address"),
    ],
)
async def test_what_would_be_lost_is_refused(given: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=why):
        await added(given, tmp_path)


async def added(given: str, folder: Path) -> None:
    """What `mimo mcp add` writes."""
    parser = argparse.ArgumentParser()
    commands.add_arguments(parser)
    host = Host([workspace], directory=folder, external=False, environ={"HOME": str(folder)})
    await commands.add(parser.parse_args(shlex.split(given)), host)
