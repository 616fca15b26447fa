"""The task tree as what the log adds up to. Pure: events in, tree out, so that undo and fork move it.

States: open, in_progress, blocked, done, abandoned. Transitions are strict, done needs evidence, a parent ends after
its children. Source: runtime.md 5.1, 5.2 and 12.3 (24).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from mimocode.errors import ToolFailed
from mimocode.messages import JSON

STATES = ("open", "in_progress", "blocked", "done", "abandoned")
OVER = ("done", "abandoned")
MOVES = {
    "start": (("open", "blocked"), "in_progress"),
    "block": (("open", "in_progress"), "blocked"),
    "unblock": (("blocked",), "open"),
    "done": (("in_progress",), "done"),
    "abandon": (("open", "in_progress", "blocked"), "abandoned"),
}
LONGEST = 300
"""Characters of a summary: one line."""


@dataclass(frozen=True)
class Task:
    """One task.

    `owner` is the session that works on it, "" until somebody starts it; `note` what was said when it last changed.
    """

    id: str
    summary: str
    status: str = "open"
    owner: str = ""
    main: bool = False
    """It is the agent that the user talks to who works on it, or did in the conversation that this one is a copy of."""
    created: float = 0.0
    changed: float = 0.0
    note: str = ""

    @property
    def parent(self) -> str:
        """The id of the task that this is a part of, or ""."""
        return self.id.rpartition(".")[0]

    @property
    def depth(self) -> int:
        """0 for T1, 1 for T1.1."""
        return self.id.count(".")


Tree = dict[str, Task]


def tree(notes: Iterable[JSON]) -> Tree:
    """The tree after these events, in the order in which tasks were made. Unknown events are passed over."""
    tasks: Tree = {}
    for note in notes:
        id, op = str(note.get("id", "")), note.get("op")
        at, said = float(note.get("at", 0.0)), str(note.get("note", ""))
        if op == "create":
            tasks[id] = Task(id, str(note.get("summary", "")), created=at, changed=at)
        elif id in tasks and op == "rename":
            tasks[id] = replace(tasks[id], summary=str(note.get("summary", "")), changed=at)
        elif id in tasks and op in MOVES:
            owner = str(note.get("owner") or tasks[id].owner)
            main = bool(note.get("main")) if op == "start" else tasks[id].main
            moved = replace(tasks[id], status=MOVES[op][1], owner=owner, main=main)
            tasks[id] = replace(moved, changed=at, note=said or tasks[id].note)
    return tasks


def plan(tasks: Tree, operation: JSON, owner: str, now: float, *, main: bool = True) -> Iterator[dict[str, Any]]:
    """The events that an operation comes to.

    Args:
        owner: the session that asks.
        main: it is the one that the user talks to, which may take over what another works on.

    Raises:
        ToolFailed: the operation is not possible; the message says what is.
    """
    action = str(operation.get("action") or operation.get("operation") or "")
    if action == "create":
        yield _created(tasks, operation, now)
        return
    task = find(tasks, str(operation.get("id", "")))
    if action == "rename":
        if task.status in OVER:
            raise ToolFailed(f"{task.id} is {task.status}; what is over keeps its name.")
        yield {"op": "rename", "id": task.id, "summary": _summary(operation), "at": now}
        return
    if action not in MOVES:
        raise ToolFailed(f"There is no action {action!r}; use create, list, get, rename, {', '.join(MOVES)}.")
    yield from _moved(tasks, task, action, str(operation.get("event_summary") or ""), owner, now, main=main)


def _created(tasks: Tree, operation: JSON, now: float) -> dict[str, Any]:
    parent = str(operation.get("parent_id") or "")
    if parent and find(tasks, parent).status in OVER:
        raise ToolFailed(f"{parent} is {tasks[parent].status} and gets no new parts; create a task beside it.")
    prefix = f"{parent}." if parent else "T"
    used = [int(t.id.removeprefix(prefix)) for t in tasks.values() if t.parent == parent]
    id = f"{prefix}{max(used, default=0) + 1}"
    return {"op": "create", "id": id, "summary": _summary(operation), "at": now}


def _moved(
    tasks: Tree, task: Task, action: str, said: str, owner: str, now: float, *, main: bool
) -> Iterator[dict[str, Any]]:
    allowed, _ = MOVES[action]
    if action == "start" and task.status == "in_progress" and task.owner != owner and main:
        allowed = (*allowed, "in_progress")  # a handoff
    if not main and task.owner not in ("", owner) and task.status not in OVER:
        raise ToolFailed(f"{task.id} belongs to another agent; leave it to its owner.")
    if task.status not in allowed:
        raise ToolFailed(f"{task.id} is {task.status}; {_advice(task, action)}")
    children = [child for child in tasks.values() if _below(child, task) and child.status not in OVER]
    if action == "done":
        if children:
            raise ToolFailed(
                f"{task.id} has unfinished parts: {', '.join(c.id for c in children)}. Finish or abandon them."
            )
        if not said.strip():
            raise ToolFailed(f"Say in event_summary how you know that {task.id} is done: a test, a command, a file.")
    if action == "abandon":
        yield from ({"op": "abandon", "id": child.id, "note": "with its parent", "at": now} for child in children)
    if action == "start":
        above = [t for t in tasks.values() if _below(task, t) and t.status == "open"]
        yield from ({"op": "start", "id": parent.id, "owner": owner, "main": main, "at": now} for parent in above)
    event = {"op": action, "id": task.id, "at": now}
    yield (
        event
        | ({"owner": owner, "main": main} if action == "start" else {})
        | ({"note": said.strip()} if said.strip() else {})
    )


def _below(child: Task, parent: Task) -> bool:
    return child.id.startswith(f"{parent.id}.")


def _advice(task: Task, action: str) -> str:
    if task.status in OVER:
        return "that is final. Create a new task if there is more to do."
    possible = [name for name, (states, _) in MOVES.items() if task.status in states]
    return f"{action} is not possible from there, but {', '.join(possible)}."


def _summary(operation: JSON) -> str:
    text = " ".join(str(operation.get("summary") or "").split())
    if not text:
        raise ToolFailed("A task needs a summary: one line that says what will be true when it is done.")
    return text[:LONGEST]


def find(tasks: Tree, id: str) -> Task:
    """A task by its id.

    Raises:
        ToolFailed: there is none; the message says which there are.
    """
    if (task := tasks.get(id.strip().upper())) is None:
        there = ", ".join(list(tasks)[-20:]) or "none yet: create one"
        raise ToolFailed(f"There is no task {id!r}; there are: {there}.")
    return task


def chosen(tasks: Tree, operation: JSON, archived: float = 0.0) -> list[Task]:
    """The tasks that a `list` asks for; without a word those that are not over.

    Args:
        archived: what was over before this time is left out, unless `include_archived` is said.
    """
    status, owner = str(operation.get("status") or ""), str(operation.get("owner") or "")
    if status and status not in STATES:
        raise ToolFailed(f"There is no status {status!r}; use {', '.join(STATES)}.")
    older = bool(operation.get("include_archived"))
    over = older or bool(operation.get("include_terminal"))
    found = (
        t
        for t in tasks.values()
        if (t.status == status or (not status and (over or t.status not in OVER)))
        and (older or t.status not in OVER or t.changed >= archived)
    )
    return sorted((t for t in found if owner in ("", t.owner)), key=lambda t: [int(n) for n in t.id[1:].split(".")])


def lines(found: Iterable[Task], room: int = 0) -> str:
    """Tasks as a model and a person read them, parts indented; within `room` characters, if it is said."""
    rows = [f"{'  ' * t.depth}{t.id} [{t.status}] {t.summary}{f' ({t.note})' if t.note else ''}" for t in found]
    fits = len(rows)
    while room and fits and sum(map(len, rows[:fits])) + fits > room:
        fits -= 1
    more = [f"{len(rows) - fits} more; the task tool lists them"] if fits < len(rows) else []
    return "\n".join([*rows[:fits], *more])
