"""Servers that others wrote, from PyPI and npm, used through a session. Slow: they are installed first."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def _run(*words: str | Path, cwd: Path) -> None:
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"{words[0]} cannot install: {done.stderr[-300:]}")


def _results(cli: Cli, name: str, command: list[str], *calls: dict[str, Any]) -> list[str]:
    """What a run with these calls got back."""
    cli.settings(mcp={name: {"type": "local", "command": command}})
    steps = [{"calls": [call]} for call in calls]
    done = cli("run", "--format", "json", "-m", cli.scenario([*steps, {"text": "done"}]), "go", timeout=120)
    assert done.code == 0, done.err
    states = [line["part"]["state"] for line in done.lines if line["type"] == "tool_use"]
    assert [state["status"] for state in states] == ["completed"] * len(calls), states
    return [state["output"] for state in states]


def test_a_server_from_pypi(tmp_path: Path) -> None:
    _run(sys.executable, "-m", "venv", "v", cwd=tmp_path)
    _run(tmp_path / "v/bin/pip", "install", "-q", "mcp-server-time", cwd=tmp_path)
    cli = Cli(tmp_path / "c")
    arguments = {"time": "12:00", "source_timezone": "Europe/Berlin", "target_timezone": "UTC"}
    call = {"name": "time_convert_time", "arguments": arguments}
    command = [str(tmp_path / "v/bin/mcp-server-time"), "--local-timezone", "UTC"]
    assert json.loads(_results(cli, "time", command, call)[0])["target"]["timezone"] == "UTC"
    assert "✓ 2 tools  time" in cli("mcp", "list").out


@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm")
def test_a_server_from_npm(tmp_path: Path) -> None:
    _run("npm", "install", "--silent", "--prefix", tmp_path, "@modelcontextprotocol/server-everything", cwd=tmp_path)
    cli = Cli(tmp_path / "c")
    command = [str(tmp_path / "node_modules/.bin/mcp-server-everything")]
    echo = {"name": "all_echo", "arguments": {"message": "over there"}}
    assert "over there" in _results(cli, "all", command, echo)[0]
    debugged = cli("mcp", "debug", "all")
    assert debugged.code == 0 and "tool echo" in debugged.out
