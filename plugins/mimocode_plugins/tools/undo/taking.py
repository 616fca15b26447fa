"""Take back and put back: files and conversation together, with the intent in the log before the first file changes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import to_thread

from mimocode.errors import ToolFailed
from mimocode.events import Entry, Fact, MessageAdded, Noted, Rewound
from mimocode.messages import JSON

from . import plan as planning
from . import record
from .blind import blind
from .journal import QUIET, blobs_of, tree_of
from .plan import Plan, Step
from .putting import put_all

if TYPE_CHECKING:
    from mimocode.session import Session

T = TypeVar("T")


async def log_of(session: Session) -> list[Entry]:
    """All facts of a session."""
    store = await session.host.store()
    return await to_thread.run_sync(lambda: list(store.read(session.id)))


async def undo_plan(session: Session, entries: Sequence[Entry], to: int) -> Plan:
    """What taking back everything after fact number `to` would do."""
    kept = record.standing(entries)
    files, since = record.touched(kept, to), record.blind_since(kept, to)
    plan = await to_thread.run_sync(planning.make, files, blobs_of(session))
    if since is None:
        return plan
    return replace(plan, blind=tuple(await to_thread.run_sync(blind, tree_of(session), since, files)))


async def redo_plan(session: Session, undo: Entry) -> Plan:
    """What putting back would do."""
    assert isinstance(undo.event, Noted)
    files = {path: record.Touched(now, want) for path, (now, want) in undo.event.data["files"].items()}
    return await to_thread.run_sync(planning.make, files, blobs_of(session))


async def take_back(session: Session, entries: Sequence[Entry], to: int, plan: Plan) -> None:
    """Bring the files back and rewind the conversation.

    Raises:
        ToolFailed: a file could not be changed; all is as it was.
    """
    folders = record.folders(record.standing(entries), to)

    async def work() -> None:
        await session.emit(_note(op="undo", to=to, files=_pairs(plan.steps), folders=folders))
        await _put(session, plan.steps, folders)
        await session.emit(Rewound(to))

    await _whole(work())


async def put_back(session: Session, entries: Sequence[Entry], undo: Entry, plan: Plan) -> None:
    """Bring the files to what they were before an undo, and say again what it took from the conversation.

    Raises:
        ToolFailed: a file could not be changed; all is as it was.
    """

    async def work() -> None:
        await session.emit(_note(op="redo", undo=undo.seq, files=_pairs(plan.steps)))
        await _put(session, plan.steps, ())
        await say_again(session, record.facts_of(entries, undo), undo)

    await _whole(work())


async def say_again(session: Session, facts: Sequence[Fact], undo: Entry) -> None:
    """Put facts into the log once more. What they cost was counted the first time."""
    session.stash[QUIET] = True
    try:
        for fact in facts:
            await session.emit(free(fact))
        await session.emit(_note(op="redone", undo=undo.seq))
    finally:
        session.stash.pop(QUIET, None)


def free(fact: Fact) -> Fact:
    """The fact without its price."""
    if isinstance(fact, MessageAdded):
        return MessageAdded(fact.message, None, fact.finish, fact.model)
    return Noted(fact.plugin, fact.data) if isinstance(fact, Noted) else fact


async def _put(session: Session, steps: Sequence[Step], folders: Sequence[str]) -> None:
    try:
        await to_thread.run_sync(put_all, steps, blobs_of(session), folders)
    except ToolFailed:
        await session.emit(_note(op="gave up"))
        raise


async def _whole(work: Coroutine[Any, Any, T]) -> T:
    """Finish what was begun, also when whoever waits for it does not want to wait any more."""
    return await asyncio.shield(asyncio.create_task(work))


def _note(**data: Any) -> Noted:
    return Noted(record.PLUGIN, data)


def _pairs(steps: Sequence[Step]) -> JSON:
    return {step.path: [step.now, step.want] for step in steps}
