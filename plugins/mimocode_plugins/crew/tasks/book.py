"""The tasks of a conversation: kept in the log of the session that the user talks to, shared by its children."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed
from mimocode.events import Noted
from mimocode.ports import StashKey
from mimocode.state import replay

from . import tree as trees
from .script import operations
from .tree import Tree

if TYPE_CHECKING:
    from mimocode.session import Session

PLUGIN = "tasks"
"""Under this name task events are noted in the log."""
NUDGES = {True: 1, False: 2}
"""How often per turn an agent with unfinished tasks is sent back: the main agent, a subagent."""
nudged: StashKey[tuple[int, int]] = StashKey("crew.tasks.nudged")


def root(session: Session) -> Session:
    """The session that the user talks to."""
    while session.parent is not None:
        session = session.parent
    return session


def tasks(session: Session) -> Tree:
    """The tree as it is now."""
    return trees.tree(root(session).state.notes.get(PLUGIN, ()))


async def work(session: Session, operation: Any, script: str) -> str:
    """Do what a call asks for and say what came of it; several operations stop at the first that fails.

    Raises:
        ToolFailed: an operation is not possible. Those before it are done, and the message says so.
    """
    said: list[str] = []
    for each in operations(operation, script):
        try:
            said.append(await _one(session, each))
        except ToolFailed as error:
            raise ToolFailed("\n".join([*said, str(error)])) from None
    return "\n".join(said)


async def _one(session: Session, operation: dict[str, Any]) -> str:
    action = operation.get("action") or operation.get("operation")
    now = await _of_session(session, str(operation.get("session_id") or ""), str(action))
    if action == "list":
        archived = time.time() - _archived_after(session) * 86400
        found = trees.chosen(now, operation, archived)
        return trees.lines(found) or "No tasks. Finished ones: include_terminal; old ones: include_archived."
    if action == "get":
        wanted = trees.find(now, str(operation.get("id", "")))
        parts = [t for t in now.values() if t.id == wanted.id or t.id.startswith(f"{wanted.id}.")]
        return trees.lines(parts)
    book = root(session)
    owner = session.id
    events = list(trees.plan(now, operation, owner, time.time(), main=session is book))
    for event in events:
        await book.emit(Noted(PLUGIN, event))
    after = tasks(session)
    changed = [after[id] for id in dict.fromkeys(event["id"] for event in events)]
    return trees.lines(changed) + _hint(after, changed[-1])


async def _of_session(session: Session, id: str, action: str) -> Tree:
    """The tree of this conversation, or, to read, that of another session of this directory."""
    if id in ("", session.id, root(session).id):
        return tasks(session)
    if action not in ("list", "get"):
        raise ToolFailed(f"The tasks of session {id} can be listed, and not changed from here.")
    store = await session.host.store()
    directories = {str(session.host.directory), str(session.host.root), str(session.directory)}
    if not any(info.id == id for directory in directories for info in store.sessions(directory)):
        raise ToolFailed(f"There is no session {id!r} in this project.")
    return trees.tree(replay(store.read(id)).notes.get(PLUGIN, ()))


def _archived_after(session: Session) -> float:
    """Days (`checkpoint.task_archive_days`)."""
    settings = session.host.settings
    said = settings["checkpoint"] if "checkpoint" in settings else None  # noqa: SIM401 - no mapping
    return float(getattr(said, "task_archive_days", 7))


def _hint(after: Tree, task: trees.Task) -> str:
    if task.status not in trees.OVER or not task.parent or after[task.parent].status in trees.OVER:
        return ""
    siblings = [t for t in after.values() if t.parent == task.parent]
    return f"\nAll parts of {task.parent} are over." if all(t.status in trees.OVER for t in siblings) else ""


def unfinished(session: Session) -> list[trees.Task]:
    """What this session took on and has not finished. Blocked tasks wait for somebody else.

    The main agent also answers for what nobody works on, and in a copy for what was its part of the original.
    """
    left = [t for t in tasks(session).values() if t.status in ("open", "in_progress")]
    if session.parent is not None:
        from .binding import given

        own = given(session)  # goes where its report goes
        return [t for t in left if t.owner == session.id and t.id != own]
    return [t for t in left if t.main or t.owner in (session.id, "")]


async def gate(session: Session) -> str | None:
    """Whether to send the agent back once more, and with which words (runtime.md 5.4).

    What a subagent leaves although it was sent back is noted in its log, so that it is not taken for done.
    """
    left = unfinished(session)
    turn = session.state.turns[-1][0] if session.state.turns else 0
    before, count = session.stash.get(nudged, (0, 0))
    count = count if before == turn else 0
    if not left:
        return None
    if count >= NUDGES[session.parent is None]:
        if session.parent is not None:
            await session.emit(Noted(PLUGIN, {"op": "left", "turn": turn, "tasks": trees.lines(left)}))
        return None
    session.stash[nudged] = (turn, count + 1)
    from importlib.resources import files

    return files(__package__).joinpath("gate.md").read_text("utf-8").strip().format(tasks=trees.lines(left))
