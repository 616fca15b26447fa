"""Tasks that a subagent was given with its order: their state follows the subagent's (runtime.md 5.4).

What happens to subagents is noted in the log of whoever started them. A report of success finishes the task only if
the rules would let the agent finish it: a phase with a gate still needs its evidence.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mimocode import hookspecs as on
from mimocode.errors import ToolFailed
from mimocode.events import Noted
from mimocode.messages import JSON, ToolCall
from mimocode.ports import Ruling, Verdict

from . import tree as trees
from .book import PLUGIN, root, tasks

if TYPE_CHECKING:
    from mimocode.session import Session

ACTORS = "actors"
"""Under this name it is noted what becomes of subagents."""
TOOL = "task"


async def follow(note: JSON, session: Session) -> None:
    """Move the task of the subagent that a note is about, if it has one."""
    bound = _bound(session, str(note.get("id", "")))
    if bound is None:
        return
    task, owner = bound
    match note.get("op"):
        case "opened" | "resumed" if task.status in ("open", "blocked") and owner:
            await _move(session, task, "start", "", owner)
        case "opened" if task.owner != owner and task.status == "in_progress":
            await _move(session, task, "start", "", owner)
        case "ended" if task.status == "in_progress" and task.owner == owner:
            await _ended(session, task, note, owner)


def given(session: Session) -> str:
    """The task that a subagent's session was given, or ""."""
    notes = session.parent.state.notes.get(ACTORS, ()) if session.parent is not None else ()
    actor = next((note["id"] for note in notes if note.get("session") == session.id), "")
    orders = [note["order"] for note in notes if note.get("op") == "ordered" and note["id"] == actor]
    return str(orders[0].get("task", "")) if orders else ""


def _bound(session: Session, actor: str) -> tuple[trees.Task, str] | None:
    """The task that was given to a subagent, and the subagent's session."""
    order: JSON = {}
    owner = ""
    for note in session.state.notes.get(ACTORS, ()):
        if note.get("id") == actor and note.get("op") == "ordered":
            order = note["order"]
        elif note.get("id") == actor and note.get("op") == "opened":
            owner = str(note["session"])
    task = tasks(session).get(str(order.get("task", "")))
    return (task, owner) if task is not None else None


async def _ended(session: Session, task: trees.Task, note: JSON, owner: str) -> None:
    said = f"{note['id']}: {note.get('summary') or note.get('why') or note.get('state')}"
    if note.get("state") == "done":
        if not (why := await _refused(session, task, said)):
            await _move(session, task, "done", said, owner)
            return
        said = f"{said}; not finished: {why}"
    await _move(session, task, "block", said[: trees.LONGEST], owner)


async def _refused(session: Session, task: trees.Task, said: str) -> str:
    """Why the agent that ordered this could not finish the task itself; "" if it could."""
    try:
        list(trees.plan(tasks(session), {"action": "done", "id": task.id, "event_summary": said}, task.owner, 0.0))
    except ToolFailed as error:
        return str(error)
    call = ToolCall(f"bound {task.id}", TOOL, {"operation": {"action": "done", "id": task.id, "event_summary": said}})
    rulings = await session.hooks.collect(on.rule_on_call, call=call, session=session)
    worst = max(rulings, key=lambda ruling: ruling.verdict, default=Ruling(Verdict.ALLOW))
    return "" if worst.verdict is Verdict.ALLOW else worst.reason


async def _move(session: Session, task: trees.Task, action: str, said: str, owner: str) -> None:
    wanted: dict[str, Any] = {"action": action, "id": task.id, "event_summary": said}
    for event in list(trees.plan(tasks(session), wanted, owner, time.time())):
        await root(session).emit(Noted(PLUGIN, event | ({"main": False} if "main" in event else {})))
