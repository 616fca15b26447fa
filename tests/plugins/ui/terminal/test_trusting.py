"""The question before the first prompt: may what this folder brings act?"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mimocode.host import Host
from mimocode_plugins.store import workspace
from mimocode_plugins.ui.terminal.trusting import consult


def host(folder: Path) -> Host:
    environ = {"MIMOCODE_HOME": str(folder.parent / "mimo"), "HOME": str(folder.parent / "home")}
    return Host([workspace], directory=folder, external=False, environ=environ)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    (made / ".mcp.json").write_text('{"mcpServers": {"a": {"command": "run", "args": ["me"]}}}')
    return made


@pytest.mark.parametrize(
    ("said", "stays", "trusted", "later"),
    [("y\n", True, True, True), ("\n", True, False, False), ("", True, False, False), ("q\n", False, False, False)],
)
def test_the_answer_counts(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    said: str,
    stays: bool,
    trusted: bool,
    later: bool,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    first = host(folder)
    assert (consult(first), first.trusted) == (stays, trusted)
    assert "  .mcp.json: runs the MCP server a: run me\n" in capsys.readouterr().err
    again = host(folder)
    _ = again.workspace
    assert again.trusted is later


def test_where_nothing_would_act_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert consult(host(empty)) is True
