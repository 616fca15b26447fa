"""After the process was killed: finish what the log says was begun. All of it can be done any number of times."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mimocode.errors import ToolFailed
from mimocode.events import Entry, Fact, MessageAdded, Rewound

from . import record
from .blobs import Blobs
from .journal import blobs_of, settle
from .plan import Step
from .putting import put
from .shape import shape
from .taking import free, log_of, say_again

if TYPE_CHECKING:
    from mimocode.messages import JSON
    from mimocode.session import Session


async def repair(session: Session) -> None:
    """Finish the calls, the undo and the redo that were cut short."""
    notes = list(session.state.notes.get(record.PLUGIN, ()))
    last = _last(notes)
    if last.get("op") == "undo":
        await _files(session, last)
        await session.emit(Rewound(int(last["to"])))
    elif last.get("op") == "redo":
        await _files(session, last)
        await _say_the_rest(session, last)
    else:
        for note in _open(notes):
            await settle(session, await _called(session, note))


def _open(notes: Sequence[JSON]) -> list[JSON]:
    """The notes of calls that began and did not end. Ids of calls may come again in later turns."""
    begun: dict[str, JSON] = {}
    for note in notes:
        if note["op"] == "before":
            begun[note["call"]] = note
        elif note["op"] == "after":
            begun.pop(note["call"], None)
    return list(begun.values())


def _last(notes: Sequence[JSON]) -> JSON:
    """The last note of an undo or redo."""
    return next((note for note in reversed(notes) if note["op"] in record.BOOKKEEPING), {})


async def _called(session: Session, note: JSON) -> dict[str, Any]:
    """A note with the command that its call ran."""
    if "listed" not in note or "command" in note:
        return dict(note)
    for entry in await log_of(session):
        if isinstance(entry.event, MessageAdded):
            for call in entry.event.message.calls:
                if call.id == note["call"]:
                    return {**note, "command": str(call.arguments.get("command", ""))}
    return {**note, "command": ""}


async def _files(session: Session, note: JSON) -> None:
    steps = [Step(path, now, want) for path, (now, want) in note["files"].items()]
    for path in await to_thread.run_sync(_put_rest, steps, blobs_of(session)):
        await session.notice("undo", f"{path} was changed since the undo was cut short; it stays as it is.", "warning")


def _put_rest(steps: Sequence[Step], blobs: Blobs) -> list[str]:
    """Carry out the steps that were not; names the files that somebody changed meanwhile."""
    left = []
    for step in steps:
        now = shape(Path(step.path), blobs)
        if now == step.want:
            continue
        try:
            if now != step.now:
                raise ToolFailed("changed")
            put(step.path, step.want, blobs)
        except (ToolFailed, OSError):
            left.append(step.path)
    return left


async def _say_the_rest(session: Session, note: JSON) -> None:
    entries = await log_of(session)
    undo = next(entry for entry in entries if entry.seq == note["undo"])
    begun = max(entry.seq for entry in entries if record.is_op(entry, "redo"))
    said: list[Entry] = [entry for entry in entries if entry.seq > begun]
    facts: list[Fact] = record.facts_of(entries, undo)
    for entry in said:  # what other plugins noted in between is passed over
        if facts and entry.event == free(facts[0]):
            facts = facts[1:]
    await say_again(session, facts, undo)
