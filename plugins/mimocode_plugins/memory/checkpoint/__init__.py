"""Writes checkpoints of a session in the background and brings them back when a new context window opens.

What counts is in the log; checkpoint.md is made to agree with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.events import Rewound, WindowOpened
from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.messages import Part
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """`checkpoint`: when one is written, by whom, and how much of it comes back."""
    shape = "mimocode_plugins.memory.checkpoint.settings:Checkpoint"
    return [Setting("checkpoint", shape, {}, "When a checkpoint is written and how much of it comes back.")]


@hookimpl(optionalhook=True)
async def recall(session: Session, room: int) -> Iterable[Part]:
    """The newest checkpoint with what happened since, notes, recent calls, and where more is found."""
    from .opening import gathered

    return await gathered(session, room)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Make file and log agree when a session opens; no writer outlives it."""
    from .state import progress

    if session.state.notes.get("checkpoint"):
        from ..layout import ready
        from .record import agree

        await ready(session.host)
        agree(session)
    try:
        yield
    finally:
        if (writer := progress(session).writer) is not None:
            writer.cancel()


@hookimpl
async def on_event(event: Event, session: Session) -> None:
    """Undo takes checkpoints back too; a new window is measured anew."""
    if isinstance(event, WindowOpened):
        from .state import progress

        kept = progress(session)
        kept.windows, kept.opening = kept.windows + 1, -1
    elif isinstance(event, Rewound):
        from ..layout import ready
        from .record import agree

        await ready(session.host)
        agree(session, taken_back=True)
