"""What Claude Code keeps in the keychain of macOS: a key is taken, a subscription is named, nobody is asked too early."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from support.cli import Cli
from support.homes import KEY, TOKEN
from support.logging_in import READY
from support.model_server import ModelServer
from support.tty import terminal

LOGIN = {"claudeAiOauth": {"accessToken": TOKEN, "refreshToken": TOKEN, "subscriptionType": "max"}}
SECURITY = """#!{python}
import json, pathlib, sys

home = pathlib.Path({home!r})
words = sys.argv[1:]
with (home / "asked").open("a") as file:
    file.write(" ".join(words) + "\\n")
assert words[0] == "find-generic-password", words
kept = json.loads((home / "chain.json").read_text())
name = words[words.index("-s") + 1]
if name not in kept:
    sys.exit("security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.")
if (home / "refuses").exists() and "-w" in words:
    sys.exit(128)
print(kept[name] if "-w" in words else f'keychain: "login.keychain-db"\\nclass: "genp"')
"""


@pytest.fixture
def cli(cli: Cli, tmp_path: Path) -> Cli:
    """A machine with the command of macOS."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "security").write_text(SECURITY.format(python=sys.executable, home=str(cli.home)))
    (folder / "security").chmod(0o755)
    cli.env["PATH"] = f"{folder}{os.pathsep}{cli.env['PATH']}"
    chain(cli)
    return cli


def chain(cli: Cli, **entries: object) -> None:
    said = {name.replace("_", " ", 1).replace("_", "-"): value for name, value in entries.items()}
    text = {name: value if isinstance(value, str) else json.dumps(value) for name, value in said.items()}
    (cli.home / "chain.json").write_text(json.dumps(text))


def asked(cli: Cli) -> list[str]:
    path = cli.home / "asked"
    return path.read_text().splitlines() if path.exists() else []


def test_a_key_is_taken_and_leads_to_a_model(cli: Cli) -> None:
    chain(cli, Claude_Code=KEY)
    with ModelServer([READY], models=["claude-own"]) as server:
        (cli.home / ".claude").mkdir()
        variables = {"ANTHROPIC_BASE_URL": server.url, "ANTHROPIC_MODEL": "claude-own"}
        (cli.home / ".claude/settings.json").write_text(json.dumps({"env": variables}))
        with terminal(cli, "setup", "claude", columns=120, rows=40) as tty:
            tty.wait("API key, macOS keychain: is taken")
            tty.wait("Take what is marked")
            tty.send("y")
            tty.wait("anthropic/claude-own works")
            assert tty.end() == 0
            assert KEY not in tty.text
        assert server.requests[-1].headers["x-api-key"] == KEY


def test_a_subscription_is_named_with_its_end_and_stays_there(cli: Cli) -> None:
    tomorrow = int((time.time() + 86_400) * 1000)
    chain(cli, Claude_Code_credentials={"claudeAiOauth": {**LOGIN["claudeAiOauth"], "expiresAt": tomorrow}})
    done = cli("auth", "import", "claude", "--yes")
    assert done.code == 0
    day = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86_400))
    assert f"login (max), good until {day}" in done.out
    assert "macOS keychain: is left out (Anthropic's terms keep it to Claude Code" in done.out
    assert TOKEN not in done.out + done.err
    assert not (cli.home / ".local/share/mimocode/auth.json").exists()


@pytest.mark.parametrize("how", ["empty", "refused", "nonsense"])
def test_what_cannot_be_read_is_not_there(cli: Cli, how: str) -> None:
    if how == "refused":
        chain(cli, Claude_Code=KEY, Claude_Code_credentials=LOGIN)
        (cli.home / "refuses").touch()
    if how == "nonsense":
        chain(cli, Claude_Code_credentials="{half")
    done = cli("auth", "import", "claude", "--yes")
    assert done.code == 0
    assert "keychain" not in done.out


def test_the_menu_looks_without_reading(cli: Cli) -> None:
    chain(cli, Claude_Code=KEY, Claude_Code_credentials=LOGIN)
    listed = cli("setup", "--list")
    assert "Import from Claude Code  (there is a key in the keychain)" in listed.out
    assert asked(cli) == ["find-generic-password -s Claude Code"]


def test_a_key_of_the_settings_makes_the_keychain_needless(cli: Cli) -> None:
    chain(cli, Claude_Code="sk-ant-another")
    (cli.home / ".claude").mkdir()
    (cli.home / ".claude/settings.json").write_text(json.dumps({"env": {"ANTHROPIC_API_KEY": KEY}}))
    cli("auth", "import", "claude", "--yes")
    assert json.loads((cli.home / ".local/share/mimocode/auth.json").read_text())["anthropic"]["key"] == KEY
    assert not [line for line in asked(cli) if line.endswith("-s Claude Code -w")]
