"""The tree of tasks and subagents: what it looks like, and that it lives."""

from __future__ import annotations

from pathlib import Path

import pytest

from mimocode_plugins.ui.shown.look import Look
from mimocode_plugins.ui.terminal.working import Row, Working, described
from support.cli import Cli
from support.tty import terminal

ROWS: list[Row] = [
    (0, "in_progress", "T1 Write it", 90.0),
    (1, "done", "T1.1 Read it \x1b[2J", 50.0),
    (0, "stalled", "explore-1 count", 40.0),
    (0, "cancelled", "explore-2 count", 40.0),
]


def test_what_moves_has_a_sign_of_life() -> None:
    assert [described(row, Look(60), 100.0) for row in ROWS] == [
        "  ◐ T1 Write it · in progress · 10 s ago",
        "    ✓ T1.1 Read it ␛[2J",
        "  ! explore-1 count · stalled · 60 s ago".replace("60 s", "1 min 00 s"),
        "  ✗ explore-2 count · cancelled",
    ]


def test_a_long_tree_is_scrolled() -> None:
    left: list[bool] = []
    view = Working([(0, "open", f"T{number}", 0.0) for number in range(9)], lambda: left.append(True))
    assert view.lines(Look(60), 6)[1:] == ["  ○ T0", "  ○ T1", "  ○ T2", "  ○ T3", "  esc leaves · 5 more below"]
    for _ in range(20):
        view.key("down", "")
    assert view.lines(Look(60), 6)[1:] == ["  ○ T5", "  ○ T6", "  ○ T7", "  ○ T8", "  esc leaves"]
    view.key("up", "")
    assert view.lines(Look(60), 6)[1] == "  ○ T4"
    view.key("escape", "")
    assert left == [True]


@pytest.mark.parametrize("way", ["/tasks ", "/agents "])
def test_subagents_are_watched_at_work(tmp_path: Path, way: str) -> None:
    cli = Cli(tmp_path)
    task = {"operation": {"action": "create", "summary": "Count the files"}}
    actor = {"action": "spawn", "subagent_type": "explore", "prompt": "wait a little", "description": "count the files"}
    steps = [
        {"calls": [{"name": "task", "arguments": task}, {"name": "actor", "arguments": actor}]},
        {"text": " ".join(f"word{number}" for number in range(2000)), "pace": 0.05},
    ]
    with terminal(cli, "-m", cli.scenario(steps), "--yolo", "--prompt", "go", columns=100, rows=30) as tty:
        tty.wait("word1 word2")
        tty.send(f"{way}\r")
        if way == "/agents ":
            tty.wait("Agent: ▏")
            tty.send("subagents\r")
        tty.wait("Tasks and subagents: 1 of 2 under way")
        tty.wait("○ T1 Count the files")
        tty.wait(r"◐ explore-1 count the files · running · \d s ago")
        tty.send("\x1b")
        tty.wait(lambda tty: "under way" not in tty.text)
        tty.send("\x1b")
        tty.wait("■ Interrupted")
