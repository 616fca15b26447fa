"""Looking at a folder that a stranger made: nothing in it sets the clipboard, moves the cursor or renames the window."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.cli import Cli

STEERS = "\x1b]52;c;ZXZpbA==\x07\x1b]0;title\x07\x1b[2J\x9b2J\x9d52;c;eA==\x9c\r\u202e"
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]")


def front(**values: str) -> str:
    return "---\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in values.items()) + f"---\n{STEERS}\n"


@pytest.fixture
def hostile(tmp_path: Path) -> Cli:
    cli = Cli(tmp_path)
    ours = cli.project / ".mimocode"
    for name, text in {
        "agents/a.md": front(description=f"agent {STEERS}", mode="primary"),
        f"agents/b{STEERS[:20]}.md": front(description="by its name"),
        "commands/c.md": front(description=f"command {STEERS}"),
        "skills/s/SKILL.md": front(name="s", description=f"skill {STEERS}"),
        f"workflows/w{STEERS[:20]}.py": f'"""{STEERS}"""\n',
    }.items():
        (ours / name).parent.mkdir(parents=True, exist_ok=True)
        (ours / name).write_text(text)
    servers = {f"odd{STEERS}": {"command": "true"}, "argued": {"command": "true", "args": [STEERS]}}
    (cli.project / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))
    return cli


def test_what_a_folder_brings_is_listed_and_shown_as_plain_text(hostile: Cli) -> None:
    for words, wanted in {
        "agent list": "agent ]52",
        "command show c": "\\u001b]52",
        "skill list": "",
        "workflow list": "w\\u001b",
        "mcp list": "",
        "doctor": "",
    }.items():
        done = hostile(*words.split())
        assert wanted in done.out, words
        assert not STEERING.search(done.out + done.err), words


@pytest.mark.parametrize("settings", [{f"key{STEERS}": 1}, {"model": STEERS}, {"agent": {"x": {"prompt": [STEERS]}}}])
def test_settings_that_would_steer_the_terminal_are_refused_in_plain_text(tmp_path: Path, settings: object) -> None:
    cli = Cli(tmp_path)
    (cli.project / "mimocode.json").write_text(json.dumps(settings))
    done = cli("config", "show")
    assert (done.code, done.out) == (1, "")
    assert "mimocode.json:1: a control character has no place in settings" in done.err
    assert not STEERING.search(done.err)
