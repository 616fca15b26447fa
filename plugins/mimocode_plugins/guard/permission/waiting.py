"""A question that nobody answers is answered with no after a while, if the user wants that (surface.md 7)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mimocode.events import ApprovalAsked, ApprovalGiven, Approve, Event, TurnEnded
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.session import Session

PATIENCE: StashKey[float] = StashKey("permission.patience")
"""Seconds for this session, in place of the setting; 0 waits for ever."""
_clocks: StashKey[dict[str, asyncio.Task[None]]] = StashKey("permission.clocks")


def watch(event: Event, session: Session) -> None:
    """Start a clock for every question, and stop it with the answer or the turn."""
    clocks = session.stash.setdefault(_clocks, {})
    if isinstance(event, ApprovalAsked):
        seconds = patience(session)
        if seconds > 0:
            clocks[event.call.id] = asyncio.create_task(_refuse(event.call.id, seconds, session))
    elif isinstance(event, ApprovalGiven):
        if (clock := clocks.pop(event.call_id, None)) is not None and clock is not asyncio.current_task():
            clock.cancel()
    elif isinstance(event, TurnEnded):
        stop(session)


def patience(session: Session) -> float:
    """Seconds that a question of this session waits; 0 is for ever."""
    settings = session.host.settings
    usual = settings["permission_timeout"] if "permission_timeout" in settings else 0.0  # noqa: SIM401
    seconds: float = session.stash.get(PATIENCE, float(usual))
    return seconds


def stop(session: Session) -> None:
    """Stop all clocks of a session."""
    for clock in session.stash.pop(_clocks, {}).values():
        clock.cancel()


async def _refuse(call: str, seconds: float, session: Session) -> None:
    await asyncio.sleep(seconds)
    told = f"Nobody answered within {seconds:g} seconds. The user has not refused it: go on without it for now."
    await session.submit(Approve(call, False, told))


async def slash(arguments: str, session: Session) -> None:
    """`/permission-timeout SECONDS`."""
    try:
        seconds = float(arguments.strip() or "-1")
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        now = patience(session)
        text = f"say how many seconds a question waits for you, 0 for ever; now it is {now:g}"
    else:
        session.stash[PATIENCE] = seconds
        text = f"questions wait {seconds:g} seconds for you, then the answer is no" if seconds else "questions wait"
    await session.notice("permission", text)
