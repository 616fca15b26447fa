"""Writes checkpoints of a session in the background and brings them back when a new context window opens.

What counts is in the log; checkpoint.md is made to agree with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.events import Rewound, WindowOpened
from mimocode.hookspecs import hookimpl
from mimocode.ports import Ruling, Setting, Verdict

if TYPE_CHECKING:
    from mimocode.events import Fact
    from mimocode.messages import Part, ToolCall
    from mimocode.ports import Prompt
    from mimocode.session import Session

WRITER = "checkpoint-writer"


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


@hookimpl(optionalhook=True)
async def context_grew(session: Session, used: int, usable: int) -> None:
    """Begin a checkpoint when one is due; it is written in the background."""
    from .due import is_due

    if is_due(session, used, usable):
        from .writer import start

        await start(session, used, usable)


@hookimpl(trylast=True)
async def shape_prompt(prompt: Prompt, session: Session) -> Prompt | None:
    """The writer is told nothing but its task, or, if the user wants that, begins with the conversation's request."""
    if session.agent.name != WRITER:
        return None
    from .writer import narrowed

    return narrowed(prompt, session)


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """The writer writes; it runs nothing."""
    if session.agent.name != WRITER or session.parent is None:
        return None
    return Ruling(Verdict.DENY, "the checkpoint writer has no tools: answer with the checkpoint")


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
        if session.parent is None:
            from .opening import make_up

            await make_up(session)
    try:
        yield
    finally:
        if (writer := progress(session).writer) is not None:
            import asyncio

            writer.cancel()
            await asyncio.wait({writer}, timeout=0.7)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Undo takes checkpoints back too; a new window is measured anew."""
    if isinstance(fact, WindowOpened):
        from .state import progress

        progress(session).opening = -1
    elif isinstance(fact, Rewound):
        from ..layout import ready
        from .record import agree

        await ready(session.host)
        agree(session, taken_back=True)
