"""When an agent wants to stop: a child is asked for its report; those who work for it are waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..children.child import gate
from ..children.reports import told
from ..children.team import Team, team

if TYPE_CHECKING:
    from mimocode.session import Session

PATIENCE = 580.0
"""Seconds that one wait may take; the hook has 600."""
STEP = 0.5
"""Seconds between two looks at whether somebody has said something."""


async def reason(session: Session) -> str | None:
    """Why it goes on."""
    mine = team(session)
    if mine.live and (session.parent is not None or session.host.options.get("headless")):
        return await _awaited(mine)
    return gate(session)


async def _awaited(mine: Team) -> str | None:
    """The reports of those in the background, when all have ended or somebody says something."""
    ids = [id for id, live in mine.live.items() if live.order.background and not live.order.origin]
    if not ids:
        return None
    mine.holding = True
    try:
        async with asyncio.timeout(PATIENCE):
            while any(id in mine.live for id in ids) and not mine.session.steering:
                await mine.wait(ids, STEP)
    except TimeoutError:
        pass
    finally:
        mine.holding = False
    actors = mine.actors
    done = [actors[id] for id in ids if actors[id].over and not actors[id].told]
    for actor in done:
        await mine.note(actor.id, "told")
    working = [id for id in ids if id in mine.live]
    left = [f"Still at work: {', '.join(working)}. Wait for them, or cancel them."] if working else []
    return "\n\n".join([*map(told, done), *left]) or None
