"""What the log says of a compose run: its tasks, and the evidence for them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.messages import JSON

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "compose"
TASKS = "tasks"
"""Under this name the task tree is noted in the log."""
STATES = {"start": "in_progress", "unblock": "open", "block": "blocked", "done": "done", "abandon": "abandoned"}


@dataclass(frozen=True)
class Phase:
    """A task that stands for a phase."""

    id: str
    name: str
    """The phase, "" for an ordinary task."""
    status: str = "open"


def gates(session: Session) -> tuple[str, ...]:
    """The phases that need evidence, in order; none for most agents."""
    return tuple(str(gate).lower() for gate in session.agent.options.get("gates") or ())


def book(session: Session) -> Session:
    """The session that the user talks to: tasks and evidence are noted there."""
    while session.parent is not None:
        session = session.parent
    return session


def phases(notes: Iterable[JSON], names: Sequence[str]) -> dict[str, Phase]:
    """The tasks by id, as far as gates need to know them."""
    found: dict[str, Phase] = {}
    for note in notes:
        id, op = str(note.get("id", "")), note.get("op")
        if op in ("create", "rename"):
            said = str(note.get("summary", "")).partition(":")[0].strip().lower()
            before = found.get(id)
            found[id] = Phase(id, said if said in names else "", before.status if before else "open")
        elif id in found and op in STATES:
            found[id] = Phase(id, found[id].name, STATES[op])
    return found


def tasks(session: Session) -> dict[str, Phase]:
    """The tasks of a run."""
    return phases(book(session).state.notes.get(TASKS, ()), gates(session))


def passed(session: Session, phase: str = "") -> list[JSON]:
    """The evidence that passed, oldest first: of one phase, or of all."""
    notes = book(session).state.notes.get(NOTES, ())
    return [note for note in notes if note.get("passed") and phase in ("", note.get("phase"))]


def evidence(session: Session, task: str) -> JSON | None:
    """What passed for one task."""
    return next((note for note in reversed(passed(session)) if note.get("task") == task), None)


def awaited(session: Session) -> str:
    """The command of the last red that no green has answered, or ""."""
    waiting = list[Any]()
    for note in passed(session):
        if note["phase"] == "red":
            waiting.append(note["command"])
        elif note["phase"] == "green" and note["command"] in waiting:
            waiting.remove(note["command"])
    return str(waiting[-1]) if waiting else ""
