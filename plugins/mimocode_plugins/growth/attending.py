"""Work that a slash command begins: waited for as long as that is no bother, then gone on with beside the conversation.

A command that takes longer than its hook may would be taken for stuck, and every other command with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.session import Session

PATIENCE, ALONE = 45.0, 110.0
"""Seconds, and where the process ends with the command; the hook gives a command 120."""
_working: StashKey[dict[str, asyncio.Task[None]]] = StashKey("growth.working")


async def attended(session: Session, plugin: str, work: Coroutine[Any, Any, None]) -> None:
    """Do it; return when it is done, or when it takes too long to be waited for.

    Raises:
        MimoError: as the work does, unless that comes too late: then it is said.
        UsageError: nobody is there for whom it could go on.
    """
    working = session.stash.setdefault(_working, {})
    if plugin in working:
        work.close()
        await session.notice(plugin, "still at work on what you asked for before", "warning")
        return
    task = working[plugin] = asyncio.create_task(work, name=f"{plugin} {session.id}")
    alone = bool(session.host.options.get("headless"))
    try:
        await asyncio.wait([task], timeout=ALONE if alone else PATIENCE)
    except asyncio.CancelledError:
        task.cancel()
        working.pop(plugin, None)
        raise
    if task.done():
        working.pop(plugin, None)
        task.result()
        return
    if alone:
        await give_up(session, plugin)
        raise UsageError(f"/{plugin} takes longer than it may here: `mimo {plugin}` has the time it needs")
    asyncio.create_task(_seen_through(session, plugin, task), name=task.get_name())  # noqa: RUF006  the task holds it
    await session.notice(plugin, "this takes a while; it goes on beside the conversation and says when it is done")


async def _seen_through(session: Session, plugin: str, task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
    if task.cancelled():
        return
    session.stash[_working].pop(plugin, None)
    error = task.exception()
    if isinstance(error, MimoError):
        await session.notice(plugin, str(error), "error")
    elif error is not None:
        session.host.report(f"growth.{plugin}", error)


async def give_up(session: Session, plugin: str) -> None:
    """Stop what still goes on: the session ends."""
    task = session.stash.get(_working, {}).pop(plugin, None)
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
