"""Work that takes long does not hold up the conversation, nor does it outlive the session."""

from __future__ import annotations

import asyncio

import pytest

from mimocode import hookimpl
from mimocode.errors import UsageError
from mimocode.events import Event, Notice
from mimocode.testing import play
from mimocode_plugins.growth import attending
from mimocode_plugins.growth.attending import attended, give_up


class Ears:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    async def on_event(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.heard.append(event.text)


async def until(go: asyncio.Event, end: Exception | None = None) -> None:
    await go.wait()
    if end is not None:
        raise end


async def test_what_is_quick_is_waited_for_and_its_mistakes_are_the_users_to_know() -> None:
    go = asyncio.Event()
    go.set()
    async with play(plugins=[ears := Ears()]) as session:
        await attended(session, "dream", until(go))
        with pytest.raises(UsageError, match="no such thing"):
            await attended(session, "dream", until(go, UsageError("no such thing")))
    assert ears.heard == []


async def test_what_is_slow_goes_on_beside_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attending, "PATIENCE", 0.01)
    go = asyncio.Event()
    async with play(plugins=[ears := Ears()]) as session:
        await attended(session, "dream", until(go, UsageError("it went wrong")))
        assert ears.heard == ["this takes a while; it goes on beside the conversation and says when it is done"]
        await attended(session, "dream", until(go))
        assert ears.heard[1:] == ["still at work on what you asked for before"]
        go.set()
        tasks = [task for task in asyncio.all_tasks() if task.get_name().startswith("dream")]
        await asyncio.wait(tasks, timeout=20)
        assert ears.heard[2:] == ["it went wrong"]
        await attended(session, "dream", until(go))
    assert len(ears.heard) == 3


async def test_where_the_process_ends_with_it_it_says_where_there_is_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attending, "ALONE", 0.01)
    async with play(plugins=[ears := Ears()], headless=True) as session:
        with pytest.raises(UsageError, match="`mimo dream` has the time it needs"):
            await attended(session, "dream", until(asyncio.Event()))
        assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("dream")]
    assert ears.heard == []


async def test_it_ends_with_the_session_and_with_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async with play(plugins=[Ears()]) as session:
        waiting = asyncio.create_task(attended(session, "dream", until(asyncio.Event())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        monkeypatch.setattr(attending, "PATIENCE", 0.01)
        await attended(session, "dream", until(asyncio.Event()))
        await give_up(session, "dream")
        for _ in range(5):
            await asyncio.sleep(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("dream")]
