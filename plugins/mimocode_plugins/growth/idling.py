"""Begins work by itself: when it is time for it, a person's session is open, and nothing has happened for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from mimocode.errors import MimoError

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.session import Session

DAY = 86_400.0


class Work(Protocol):
    """What a plugin of this family does, when it is asked to and from time to time. A module will do."""

    def declare(self, parser: argparse.ArgumentParser) -> None:
        """The arguments of its command line."""

    async def run(self, args: argparse.Namespace, host: Host) -> int:
        """Its command line; the exit code."""

    async def slash(self, arguments: str, session: Session) -> None:
        """Its slash command."""

    async def due(self, session: Session) -> bool:
        """Whether it is time for it."""

    async def by_itself(self, session: Session) -> None:
        """Do it, and say so."""


@asynccontextmanager
async def at_idle(session: Session, plugin: str, minutes: float, work: Callable[[], Work]) -> AsyncIterator[None]:
    """While a person's session is open, do a plugin's work when it is due; end what it still does with the session.

    Args:
        plugin: also the section of the settings, with `auto` (False: never) and `idle_minutes`.
        minutes: of idleness, where the settings say nothing.
        work: loads what does it, once it may be due.
    """
    said = session.host.settings[plugin]
    wanted = said if isinstance(said, dict) else vars(said)
    alone = session.parent is None and not session.host.options.get("headless") and wanted.get("auto") is not False
    waiting: asyncio.Task[None] | None = None
    if alone:
        idle = when_idle(
            session,
            wanted.get("idle_minutes", minutes),
            lambda: work().due(session),
            lambda: work().by_itself(session),
        )
        waiting = asyncio.create_task(idle, name=f"{plugin} {session.id}")
    try:
        yield
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait([waiting])
        from .attending import give_up

        await give_up(session, plugin)


async def when_idle(
    session: Session, minutes: float, due: Callable[[], Awaitable[bool]], work: Callable[[], Awaitable[None]]
) -> None:
    """Once nothing has happened for so many minutes, do `work` if it is due. Costs nothing before."""
    try:
        while True:
            await session.settled()
            seen = session.state.seq
            await asyncio.sleep(minutes * 60)
            if session.state.seq == seen and not session.state.busy and seen > 1:
                if await due():
                    await work()
                return
    except (MimoError, OSError) as error:
        session.host.report("growth", error)


def is_due(last: float, oldest: float, days: float, now: float | None = None) -> bool:
    """Whether so many days have passed since the last run; before the first, since the first session there was."""
    since = last or oldest
    return bool(since) and (time.time() if now is None else now) - since >= days * DAY
