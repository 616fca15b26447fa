"""Begins work by itself: when it is time for it, a person's session is open, and nothing has happened for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mimocode.errors import MimoError

if TYPE_CHECKING:
    from mimocode.session import Session

DAY = 86_400.0


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
