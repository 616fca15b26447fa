"""One message to a session and what comes of it, with nobody there to ask: the core of `mimo run` and `mimo demo`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.events import Entry, Interrupt, Notice, TurnEnded

from .approvals import UNATTENDED, Unattended
from .interrupts import CODE as INTERRUPTED
from .interrupts import Interrupts
from .view import View

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

CODES = {"done": 0, "failed": 1, "limited": 3, "interrupted": INTERRUPTED}
"""Exit codes by how the turn ended."""
UNREAD = 141
"""Exit code when the reader of stdout went away (128 + SIGPIPE)."""


async def converse(
    session: Session, begin: Callable[[], Awaitable[None]], view: View, interrupts: Interrupts, *, yolo: bool = False
) -> int:
    """Let `begin` say something, show what happens until the session has settled, and return the exit code.

    Raises:
        StoreError: the log can no longer be written.
        MimoError: whatever `begin` raises.
    """
    session.host.stash[UNATTENDED] = Unattended(view, yolo)
    try:
        async with _showing(session, view, interrupts) as ended:
            with interrupts.politely(lambda: asyncio.ensure_future(session.submit(Interrupt()))):
                await begin()
                await session.settled()
    finally:
        del session.host.stash[UNATTENDED]
    code = _code(session, ended)
    view.finish(_words(session) if ended else "", code in (CODES["done"], CODES["limited"]))
    return UNREAD if view.results.gone else INTERRUPTED if interrupts.came else code


def _words(session: Session) -> str:
    """What the agent said last in this turn; nothing when it said nothing."""
    for message in reversed(session.state.messages):
        if message.role == "assistant" and message.text.strip():
            return message.text
        if message.role == "user" and not message.origin:
            return ""
    return ""


def _code(session: Session, ended: list[TurnEnded]) -> int:
    if ended:
        return CODES[ended[-1].reason]
    return (
        1 if "kernel" in session.host.plugins.broken else 0
    )  # no turn: a command dealt with it, or it broke and was named


@asynccontextmanager
async def overheard(host: Host) -> AsyncIterator[list[Entry]]:
    """What plugins notice while a session opens, before anybody follows it: for the view, once it has begun."""
    notices: list[Entry] = []

    async def hear() -> None:
        async for entry in host.follow():
            if isinstance(entry.event, Notice):
                notices.append(entry)

    ears = asyncio.create_task(hear(), name="ears")
    await asyncio.sleep(0)  # it listens from here on
    try:
        yield notices
    finally:
        ears.cancel()


@asynccontextmanager
async def _showing(session: Session, view: View, interrupts: Interrupts) -> AsyncIterator[list[TurnEnded]]:
    """Show the session's events; on leaving, everything that has happened has been shown."""
    ended: list[TurnEnded] = []
    seen = session.state.seq

    async def show() -> None:
        nonlocal seen
        async for entry in session.follow():
            view.show(entry)
            seen = entry.seq or seen
            if isinstance(entry.event, TurnEnded):
                ended.append(entry.event)
            if view.results.gone and not interrupts.came:
                interrupts.stop()

    follower = asyncio.create_task(show(), name="screen")
    await asyncio.sleep(0)  # the follower listens from here on
    try:
        yield ended
        await asyncio.sleep(0)  # a last notice is not counted below
        while seen < session.state.seq and not follower.done():  # noqa: ASYNC110  it has all of it in its queue
            await asyncio.sleep(0)
    finally:
        follower.cancel()
        await asyncio.wait([follower])
    if not follower.cancelled() and (error := follower.exception()):
        raise error
