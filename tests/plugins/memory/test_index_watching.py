"""Who writes into memory files is heard by the index, and a search looks at no file."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from mimocode import Say, ToolCall, hookimpl
from mimocode.errors import StoreError
from mimocode.session import Session
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.memory import files, index, project
from mimocode_plugins.memory.index import watching
from mimocode_plugins.memory.index.desk import Desk
from mimocode_plugins.memory.index.sync import listing
from mimocode_plugins.memory.layout import layout
from mimocode_plugins.store import sqlite, workspace

PLUGINS = [workspace, sqlite, permission, files, index]


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something, as long as it takes on a busy machine."""
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(0.02)


async def found(desk: Desk, word: str) -> list[str]:
    return [hit.text for hit in await desk.search(word) if word in hit.text]


_touched: list[list[str]] = []
"""The last list is written to while a test listens; hooks like this one cannot be taken out."""


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _touched and event in ("os.scandir", "os.listdir", "open", "glob.glob", "os.walk"):
        _touched[-1].append(str(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _ears() -> None:
    sys.addaudithook(_hear)


@pytest.fixture
def touched() -> Iterator[list[str]]:
    """Folders that were listed and files that were opened, by any thread of this process."""
    _touched.append([])
    yield _touched[-1]
    _touched.pop()


async def test_a_search_looks_at_no_file(tmp_path: Path, touched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY", 3600.0)  # what happens beside the searches is the next test's
    async with play(plugins=PLUGINS, directory=tmp_path) as session:
        desk, place = Desk(session.host, session), layout(session.host, session.id)
        for n in range(40):
            path = place.base / f"sessions/ses_{n}/notes.md"
            path.parent.mkdir(parents=True)
            path.write_text(f"Marzipan {n}.")
        await desk.propose("Ship with marzipan.", scope="project")
        assert await found(desk, "marzipan") == ["Ship with marzipan."]
        assert any(str(place.base) in path for path in touched), "the first search takes in what is there"
        touched.clear()
        stat = os.stat
        monkeypatch.setattr(os, "stat", lambda path, **how: [touched.append(str(path)), stat(path, **how)][1])
        for _ in range(20):
            assert await found(desk, "marzipan") == ["Ship with marzipan."]
        assert [path for path in touched if str(place.base) in path] == []


async def test_a_search_of_history_asks_once_which_folders_are_the_project_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "theirs").mkdir()
    asked: list[str] = []
    known = project.directories

    def directories(which: Iterable[str], *rest: Any) -> list[str]:
        asked.extend(sorted(which))
        return known(which, *rest)

    monkeypatch.setattr(project, "directories", directories)
    search = [ToolCall("h", "history", {"operation": "search", "query": "marzipan"})]
    async with play("Not marzipan.", plugins=PLUGINS, directory=tmp_path / "theirs") as session:
        await session.submit(Say("What is it?"))
        await session.settled()
    async with play(search, search, "done", plugins=PLUGINS, directory=tmp_path / "ours") as session:
        await session.submit(Say("Is there marzipan?"))
        await session.settled()
        answers = [line for line in talk(session) if line.startswith("tool: ")]
        assert len(answers) == 2 and all("Is there marzipan" in line and "Not" not in line for line in answers)
    assert asked == [str(tmp_path / "ours"), str(tmp_path / "theirs")]


async def test_what_another_process_writes_is_found_a_moment_later(tmp_path: Path) -> None:
    async with play(plugins=PLUGINS, directory=tmp_path) as session:
        desk = Desk(session.host, session)
        assert await found(desk, "marzipan") == []
        topic = layout(session.host).project_folder / "MEMORY-deploy.md"
        for script, word, other in (
            ('mkdir -p "$(dirname "$1")" && echo "- Ship with marzipan." > "$1"', "marzipan", "nougat"),
            ('echo "- Ship with nougat!!!" > "$1"', "nougat", "marzipan"),  # as long, in place
        ):
            await asyncio.to_thread(subprocess.run, ["sh", "-c", script, "sh", str(topic)], check=True)
            await until(lambda word=word: _is(found(desk, word), True))  # type: ignore[misc]
            assert await found(desk, other) == []
        topic.unlink()
        await until(lambda: _is(found(desk, "nougat"), False))


async def _is(found: Awaitable[list[str]], expected: bool) -> bool:
    return bool(await found) is expected


def test_a_listing_is_another_one_when_a_file_changes(tmp_path: Path) -> None:
    (tmp_path / "tasks/T1").mkdir(parents=True)
    (tmp_path / "gone.md").symlink_to(tmp_path / "nowhere.md")
    (tmp_path / ".notes.md.draft").write_text("half")
    (tmp_path / "tasks/T1/progress.md").write_text("one")
    (tmp_path / "z.md").write_text("one")
    first = listing([tmp_path, tmp_path / "none"])
    assert set(first) == {str(tmp_path / "tasks/T1/progress.md"), str(tmp_path / "z.md")}
    (tmp_path / "z.md").write_text("two")
    os.utime(tmp_path / "z.md", ns=(0, 1_700_000_000_000_000_001))
    assert {path for path, stamp in listing([tmp_path]).items() if stamp != first[path]} >= {str(tmp_path / "z.md")}
    old = listing([tmp_path])[str(tmp_path / "z.md")]
    (tmp_path / "z.md").write_text("six")
    assert listing([tmp_path])[str(tmp_path / "z.md")] != old, "as long, and written a moment ago"


async def test_what_two_sessions_at_once_write_is_found_by_both(tmp_path: Path) -> None:
    async with play(plugins=PLUGINS, directory=tmp_path) as one, play(plugins=PLUGINS, directory=tmp_path) as two:
        ours, theirs = Desk(one.host, one), Desk(two.host, two)
        assert await found(theirs, "marzipan") == []
        await ours.propose("Ship with marzipan.")
        assert await found(ours, "marzipan") == ["Ship with marzipan."], "at once"
        await until(lambda: _is(found(theirs, "marzipan"), True))


class Shell:
    """A tool that writes where it likes."""

    @hookimpl
    async def tool_servers(self) -> list[Any]:
        server = MCPServer("shell")

        @server.tool(structured_output=False)
        def sh(path: str, text: str) -> str:
            """Write a file."""
            Path(path).write_text(text)
            return "written"

        return [server]


async def test_what_a_command_writes_is_found_by_the_next_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "EVERY", 3600.0)
    search = ToolCall("m", "memory", {"operation": "search", "query": "marzipan"})
    async with play(plugins=[*PLUGINS, Shell()], directory=tmp_path) as session:
        topic = layout(session.host).project_folder / "MEMORY-deploy.md"
        topic.parent.mkdir(parents=True)
        write = ToolCall("s", "sh", {"path": str(topic), "text": "- Ship with marzipan.\n"})
        script: Any = await session.open_model()
        script.lines += [[search], [write], [search], "done"]
        await session.submit(Say("go"))
        await session.settled()
        assert session.host.options["complaints"] == []
        answers = [line for line in talk(session) if line.startswith("tool: ")]
        assert ["marzipan" in line for line in answers] == [False, False, True], answers


async def test_what_was_taken_in_is_put_in_order_beside_the_work(tmp_path: Path) -> None:
    async with play(plugins=PLUGINS, directory=tmp_path) as session:
        desk = Desk(session.host, session)
        topic = layout(session.host).project_folder / "MEMORY-deploy.md"
        topic.parent.mkdir(parents=True)
        topic.write_text("".join(f"- Ship marzipan {n}.\n" for n in range(200)))
        assert len(await desk.search("marzipan 7")) > 1
        known = await desk.index()
        entries, _, _, indexed = known.db.execute("SELECT entries, length, documents, indexed FROM totals").fetchone()
        assert (entries, entries - indexed < watching.SETTLED) == (200, True)


async def test_it_rests_when_nothing_happens_and_the_next_question_wakes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.01)
    monkeypatch.setattr(watching, "REST", 0.0)
    async with play(plugins=PLUGINS, directory=tmp_path) as session:
        desk = Desk(session.host, session)
        assert await found(desk, "marzipan") == []
        await until(lambda: _is_resting(session))
        topic = layout(session.host).project_folder / "MEMORY-deploy.md"
        topic.parent.mkdir(parents=True, exist_ok=True)
        topic.write_text("- Ship with marzipan.\n")
        assert await found(desk, "marzipan") == ["- Ship with marzipan."]


async def _is_resting(session: Session) -> bool:
    return session.host.stash[index.WATCH].resting


async def test_an_index_that_fails_is_named_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with play(plugins=PLUGINS, directory=tmp_path) as session:
        desk = Desk(session.host, session)
        await desk.propose("Ship with marzipan.")
        taken = watching.take

        def fails(*_: object, **__: object) -> int:
            raise StoreError("the disk is full")

        monkeypatch.setattr(watching, "take", fails)
        with pytest.raises(StoreError, match="the disk is full"):
            await desk.search("marzipan")
        monkeypatch.setattr(watching, "take", taken)
        assert await found(desk, "marzipan") == ["Ship with marzipan."]
