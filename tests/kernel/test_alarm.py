"""Plugin code that blocks the process is stopped and named."""

import asyncio
import signal
import sys
import time
from pathlib import Path

import pytest

from mimocode import alarm as module
from mimocode.alarm import Watched, alarm
from mimocode.errors import Overrun
from mimocode.host import Host

STOPPED = r"^plugin slow: blocked everything for 0\.1 s and was stopped$"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 0.1)


def test_who_blocks_is_interrupted_and_named() -> None:
    with pytest.raises(Overrun, match=STOPPED), alarm("slow"):
        time.sleep(30)


def test_who_swallows_the_interruption_is_interrupted_again() -> None:
    with pytest.raises(Overrun, match=STOPPED), alarm("slow"):
        try:
            time.sleep(30)
        except Exception:
            time.sleep(30)


def test_nothing_is_left_behind_and_an_outer_alarm_goes_on() -> None:
    with pytest.raises(Overrun, match=r"^plugin slow"), alarm("slow"):
        with alarm("quick"):
            pass
        time.sleep(30)
    time.sleep(0.3)  # longer than a limit: with nothing to watch it is not set again
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_one_timer_serves_many_and_each_has_the_whole_limit() -> None:
    until = time.monotonic() + 0.4
    while time.monotonic() < until:
        with alarm("quick"):
            time.sleep(0.07)
    with alarm("outer"):
        for _ in range(3):
            with alarm("inner"):  # is on its own time, not on that of who called it
                time.sleep(0.07)
    began = time.monotonic()
    with pytest.raises(Overrun, match=STOPPED), alarm("slow"):
        time.sleep(30)
    assert 0.1 <= time.monotonic() - began < 10


async def test_awaiting_is_not_blocking_and_blocking_after_an_await_is() -> None:
    async def patient() -> str:
        for _ in range(5):
            await asyncio.sleep(0.05)
        return "done"

    async def blocking() -> None:
        await asyncio.sleep(0)
        time.sleep(30)

    assert await Watched("slow", patient()) == "done"
    with pytest.raises(Overrun, match=STOPPED):
        await Watched("slow", blocking())


async def test_cancellation_reaches_the_plugin() -> None:
    told: list[str] = []

    async def tidy() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def wait() -> None:
        await Watched("slow", tidy())

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["cancelled"]


def test_a_plugin_that_never_finishes_its_import_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "forever.py").write_text("while True: pass")
    monkeypatch.syspath_prepend(str(tmp_path))
    said: list[str] = []
    host = Host(["forever"], external=False, complain=said.append)
    assert said == ["plugin forever: blocked everything for 0.1 s and was stopped"]
    assert host.plugins.manager.list_name_plugin() == []
    assert "forever" not in sys.modules
