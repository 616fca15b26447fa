"""The arguments by which a model narrows a search (surface.md 6.2), and what they may not reach."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mimocode import Say, ToolCall
from mimocode.session import Session
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.memory import checkpoint, files, index
from mimocode_plugins.memory.index.log import moment
from mimocode_plugins.store import sqlite, workspace

PLUGINS = [workspace, sqlite, permission, files, index, checkpoint]


def ask(tool: str, **arguments: object) -> list[ToolCall]:
    return [ToolCall("a1", tool, {"operation": "search", **arguments})]


async def told(session: Session, text: str = "go") -> list[str]:
    """What the tools said in one turn."""
    await session.submit(Say(text))
    await session.settled()
    assert session.host.options["complaints"] == []
    return [line for line in talk(session) if line.startswith("tool: ")]


async def noted(folder: Path, text: str) -> str:
    lines = [[ToolCall("n1", "memory", {"operation": "note", "text": text})], "The answer is E4711."]
    async with play(*lines, plugins=PLUGINS, directory=folder) as session:
        await told(session, f"Please note: {text}")
        return session.id


async def test_memory_is_narrowed_to_a_type_and_to_one_session(tmp_path: Path) -> None:
    first = await noted(tmp_path, "Marzipan comes from Lübeck.")
    second = await noted(tmp_path, "Marzipan is sweet.")
    asked = [
        ask("memory", query="marzipan"),
        ask("memory", query="marzipan", scope_id=first),
        ask("memory", query="marzipan", scope_id=second, type="notes"),
        ask("memory", query="marzipan", type="checkpoint"),
        ask("memory", query="marzipan", scope_id="ses_of_nobody"),
    ]
    async with play(*asked, "ok", plugins=PLUGINS, directory=tmp_path) as session:
        both, one, other, none, nobody = await told(session)
    assert "Lübeck" in both and "sweet" in both
    assert ("Lübeck" in one, "sweet" in one) == (True, False)
    assert ("Lübeck" in other, "sweet" in other) == (False, True)
    assert none.startswith("tool: Nothing found.")
    assert "There is no scope_id 'ses_of_nobody' here" in nobody


async def test_history_is_narrowed_to_a_session_a_tool_and_a_time(tmp_path: Path) -> None:
    first = await noted(tmp_path, "Marzipan comes from Lübeck.")
    await noted(tmp_path, "Marzipan is sweet.")
    tomorrow = time.strftime("%Y-%m-%d", time.localtime(time.time() + 86400))
    asked = [
        ask("history", query="marzipan", session_id=first),
        ask("history", query="marzipan", tool_name="memory", kind=["tool_input"]),
        ask("history", query="marzipan", tool_name="bash"),
        ask("history", query="marzipan", time_after=tomorrow),
        ask("history", query="marzipan", time_before=tomorrow, kind="user_text"),
        ask("history", query="marzipan", time_after="soon"),
        ask("history", query="marzipan", scope="global"),
        [ToolCall("a2", "history", {"operation": "around", "message_id": f"{first}#3", "before": 0, "after": 1})],
    ]
    async with play(*asked, "ok", plugins=PLUGINS, directory=tmp_path) as session:
        own, memory, bash, later, earlier, wrong, world, around = await told(session)
    assert "Lübeck" in own and "sweet" not in own
    assert memory.count("tool_input memory") == 2
    assert "Nothing found" in bash and "Nothing found" in later
    assert earlier.count("user_text") == 2
    assert "'soon' is no time" in wrong and "Other projects stay apart" in world
    assert len(around.splitlines()) <= 2


async def test_the_history_of_another_project_is_not_reached_by_its_session(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "theirs").mkdir()
    theirs = await noted(tmp_path / "theirs", "Their secret is marzipan.")
    asked = [
        ask("history", query="marzipan", session_id=theirs),
        [ToolCall("a2", "history", {"operation": "get", "place": f"{theirs}#3"})],
        ask("memory", query="marzipan", scope_id=theirs),
    ]
    async with play(*asked, "ok", plugins=PLUGINS, directory=tmp_path / "mine") as session:
        said = await told(session)
    assert len(said) == 3 and not any("secret" in line for line in said)


@pytest.mark.parametrize(
    ("said", "seconds"), [("1700000000", 1.7e9), (1.7e12, 1.7e9), ("2023-11-14T22:13:20+00:00", 1.7e9), ("", -1.0)]
)
def test_moments(said: str | float, seconds: float) -> None:
    assert moment(said, -1.0) == seconds
