"""Long results are cut for the model and kept whole on disk."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimocode.events import Say
from mimocode.messages import Media, Text, ToolCall
from mimocode.ports import ToolResult
from mimocode.testing import play
from mimocode_plugins.guard import truncate
from mimocode_plugins.guard.truncate.keep import AGE, collect, keep
from mimocode_plugins.guard.truncate.shape import shape
from mimocode_plugins.guard.truncate.shorten import BYTES, LINES, shorten
from mimocode_plugins.store import workspace

from .conftest import Hands

CALL = ToolCall("call/../1", "shell", {})


def test_what_fits_stays() -> None:
    assert shorten("x\n" * LINES) is None
    assert shorten("x" * BYTES) is None
    assert shorten("") is None


def test_a_calm_text_keeps_its_beginning() -> None:
    cut = shorten("".join(f"line {n}\n" for n in range(5000)))
    assert cut
    assert (cut.head.splitlines()[-1], cut.tail, cut.gone, cut.lines) == ("line 1999", "", 3000, 5000)


def test_a_text_that_ends_in_an_error_keeps_both_ends() -> None:
    cut = shorten("".join(f"line {n}\n" for n in range(5000)) + "ValueError: no\n")
    assert cut
    assert cut.head.splitlines()[-1] == "line 1399"
    assert cut.tail.splitlines()[0] == "line 4401"
    assert cut.tail.endswith("ValueError: no\n")
    assert cut.gone == 3001


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(alphabet="aé漢🙂 \n", max_size=200), max_size=20).map("".join),
    st.sampled_from(["", "\nError: x"]),
    st.integers(2, 30),
    st.integers(10, 400),
)
def test_what_is_left_fits_and_is_part_of_the_whole(text: str, end: str, lines: int, size: int) -> None:
    text += end
    cut = shorten(text, lines, size)
    if cut is None:
        assert len(text.encode()) <= size
        assert text.count("\n") <= lines
    else:
        assert text.startswith(cut.head)
        assert text.endswith(cut.tail)
        assert len((cut.head + cut.tail).encode()) <= size
        assert len(cut.head.splitlines()) + len(cut.tail.splitlines()) <= lines + 1
        assert cut.gone >= 1


async def test_a_long_result_is_cut_and_the_file_is_named(project: Path, home: Path) -> None:
    hands = Hands()
    hands.says = "".join(f"line {n}\n" for n in range(5000))
    calls = [ToolCall("call_9", "shell", {"command": "make"})]
    async with play(calls, "ok", plugins=[workspace, truncate, hands], directory=project) as session:
        await session.submit(Say("build"))
        await session.settled()
        told = session.state.messages[2].text
    path = home / "data" / "tool-output" / "tool_call9"
    assert told.endswith(
        f"line 1999\n\n[3000 of 5000 lines left out after this; 48 KiB in all. The whole text is in {path}: "
        "search it, or read parts of it by offset.]"
    )
    assert path.read_text() == hands.says
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_tool_that_cuts_for_itself_is_left_alone_and_pictures_stay(project: Path) -> None:
    long = Text("x\n" * 5000)
    picture = Media("image/png", "AAAA")
    async with play(plugins=[workspace, truncate], directory=project) as session:
        assert await shape(ToolResult((long,), display={"truncated": False}), CALL, session) is None
        shaped = await shape(ToolResult((long, picture), True, {"exit": 1}), CALL, session)
        assert shaped
        assert (shaped.content[1:], shaped.error, shaped.display) == ((picture,), True, {"exit": 1, "truncated": True})


async def test_a_disk_that_refuses_costs_the_file_and_not_the_result(project: Path, home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "tool-output").write_text("in the way")
    async with play(plugins=[workspace, truncate], directory=project) as session:
        shaped = await shape(ToolResult.of("x\n" * 5000), CALL, session)
        assert shaped
        assert "could not be kept (File exists)" in shaped.text


def test_a_name_in_the_way_is_stepped_around(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (tmp_path / "tool_1").symlink_to(victim)
    path = keep(tmp_path, "1", "lone \ud800 surrogate")
    assert (path.name, path.read_text(), victim.exists()) == ("tool_1_1", "lone \\ud800 surrogate", False)


def test_old_results_are_collected_once_a_day(tmp_path: Path) -> None:
    now = time.time()
    for name, age in (("tool_old", AGE + 60), ("tool_new", 60), ("notes", AGE + 60)):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (now - age, now - age))
    assert collect(tmp_path, now) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [".collected", "notes", "tool_new"]
    os.utime(tmp_path / "tool_new", (now - 2 * AGE, now - 2 * AGE))
    assert collect(tmp_path, now + 3600) == 0
    assert collect(tmp_path, now + 90_000) == 1


@pytest.mark.parametrize("size", [0, 10, 1999])
async def test_short_results_are_not_even_looked_at(size: int) -> None:
    assert await truncate.shape_result(ToolResult.of("x" * size), CALL, None) is None  # type: ignore[arg-type]
