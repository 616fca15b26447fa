"""What a session that is led asks for: whoever leads it is told, and after five minutes the answer is no."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mimocode.events import Approve, Say
from mimocode.ports import StashKey

from ..children.team import INBOX, LIVE, letter

if TYPE_CHECKING:
    from mimocode.events import ApprovalAsked
    from mimocode.session import Session

PATIENCE = 300.0
"""Seconds before a question counts as answered with no (runtime.md 6.7)."""
_clocks: StashKey[set[asyncio.Task[None]]] = StashKey("crew.orchestrator.clocks")


async def passed_on(asked: ApprovalAsked, session: Session) -> None:
    """Tell who leads this session, and start the clock."""
    live = session.stash.get(LIVE)
    if live is None or not live.order.peer or session.parent is None:
        return
    why = f": {asked.reason}" if asked.reason else ""
    told = f"I wait for an approval of {asked.call.name}{why}. The user is asked, too; after {PATIENCE:g} s it is a no."
    await session.parent.submit(Say(letter(live.id, told), origin=INBOX))
    clock = asyncio.create_task(_refused(asked, session), name=f"approval for {live.id}")
    session.stash.setdefault(_clocks, set()).add(clock)


async def _refused(asked: ApprovalAsked, session: Session) -> None:
    await asyncio.sleep(PATIENCE)
    if asked.call.id in session.state.waiting:
        await session.submit(Approve(asked.call.id, False, f"nobody answered within {PATIENCE:g} s"))


def stop(session: Session) -> None:
    """Stop the clocks of a session."""
    for clock in session.stash.get(_clocks, ()):
        clock.cancel()
