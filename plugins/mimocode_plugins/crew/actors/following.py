"""What events mean for children."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from mimocode.events import ApprovalAsked, ApprovalGiven

from ..children.roster import NOTES
from ..children.team import LIVE, Team, team

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.session import Session


def saw(event: Event, session: Session) -> None:
    """A sign of life of a child."""
    live = session.stash.get(LIVE)
    if live is None:
        return
    before = live.watch.circling
    live.watch.saw(event, time.monotonic())
    if live.watch.circling != before or live.state == "stalled" or isinstance(event, ApprovalAsked | ApprovalGiven):
        live.poke.set()


async def woken(session: Session) -> str:
    """Children go on after a restart; what their parent should know of it. Before the first window there were none."""
    if session.state.window is None or not session.state.notes.get(NOTES):
        return ""
    return await team(session).revive()


def interrupted(session: Session) -> None:
    """The user stopped the agent: those whose answer it was waiting for stop, too; the background goes on.

    Those that somebody else ordered, like a workflow, are for that one to end.
    """
    mine = team(session)
    waited_for = [id for id, live in mine.live.items() if not (live.order.background or live.order.origin)]
    _end(mine, waited_for, "its caller was interrupted")


def taken_back(session: Session) -> None:
    """Children that were started by what no longer counts."""
    mine = team(session)
    known = mine.actors
    for id, live in list(mine.live.items()):
        if id not in known and live.task is not None:
            mine.live.pop(id)
            live.task.cancel()


def _end(mine: Team, ids: list[str], why: str) -> None:
    for id in ids:
        task = asyncio.create_task(mine.cancel(id, why), name=f"cancel {id}")
        mine.live[id].ending = task
