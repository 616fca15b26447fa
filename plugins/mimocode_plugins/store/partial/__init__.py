"""Keeps the text of an answer that is still streaming, so that an interruption or `kill -9` does not lose it, and what
a command that still runs has printed.

The log holds whole messages. What streams is appended to a small file; when the answer is whole the file is emptied,
and when it never becomes whole its text joins the conversation, marked as cut off. A call that was killed is answered
with what it had printed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.events import CallFinished, MessageAdded, Retrying, TextDelta, ToolProgress, TurnEnded
from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.session import Session


@hookimpl(tryfirst=True)
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Before an interrupted turn is closed, what it had said and printed joins the conversation."""
    from . import printed
    from .spool import close, found

    await found(session)
    await printed.found(session)
    try:
        yield
    finally:
        close(session)


@hookimpl(tryfirst=True)
async def on_event(event: Event, session: Session) -> None:
    """Append what streams; drop it when it is void or whole; keep it when the turn ends without it."""
    if isinstance(event, TextDelta | Retrying | MessageAdded | TurnEnded):
        from .spool import follow

        await follow(event, session)
    if isinstance(event, ToolProgress | CallFinished | TurnEnded):
        from . import printed

        await printed.follow(event, session)
