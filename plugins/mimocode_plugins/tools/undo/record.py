"""What the log says of files and turns: pure readers of a list of facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mimocode.events import Entry, Fact, MessageAdded, Noted, Rewound, TurnEnded, TurnStarted

PLUGIN = "undo"
BOOKKEEPING = ("undo", "redo", "redone", "gave up")


@dataclass(frozen=True)
class Turn:
    """One turn that counts: its number from 1, the number of its first fact, and what the user said."""

    number: int
    seq: int
    time: float
    said: str


@dataclass
class Touched:
    """What became of one file: `want` before the first change, `left` after the last."""

    want: str
    left: str
    between: bool = False
    """Somebody else changed it between two changes of ours."""
    seen: set[str] = field(default_factory=set)


def standing(entries: Iterable[Entry]) -> list[Entry]:
    """The facts that still count, by the rule of `State`: rewinding goes back to before a turn."""
    kept: list[Entry] = []
    for entry in entries:
        if isinstance(entry.event, Rewound):
            to = entry.event.to
            begun = (n for n, one in enumerate(kept) if one.seq > to and isinstance(one.event, TurnStarted))
            if (cut := next(begun, None)) is not None:
                del kept[cut:]
        else:
            kept.append(entry)
    return kept


def turns(kept: Sequence[Entry]) -> list[Turn]:
    """The turns among facts that count; that of a command that failed, in which nobody said anything, is none."""
    found: list[Turn] = []
    begun: Entry | None = None
    for entry in kept:
        if isinstance(entry.event, TurnStarted):
            begun = entry
        elif isinstance(entry.event, MessageAdded):
            message = entry.event.message
            own = message.role == "user" and not message.origin
            if begun and (own or message.role == "assistant"):
                found.append(Turn(len(found) + 1, begun.seq, begun.time, ""))
                begun = None
            if own and found and not found[-1].said:
                found[-1] = replace(found[-1], said=message.text)
    return found


def touched(kept: Iterable[Entry], since: int) -> dict[str, Touched]:
    """What the calls after fact number `since` did to which file."""
    found: dict[str, Touched] = {}
    for entry in kept:
        note = _note(entry)
        if entry.seq <= since or note.get("op") != "after":
            continue
        for path, (was, now) in note["files"].items():
            file = found.setdefault(path, Touched(was, now, seen={was}))
            file.between |= was not in file.seen
            file.left = now
            file.seen |= {was, now}
    return found


def blind_since(kept: Iterable[Entry], since: int) -> float | None:
    """When the first call after fact number `since` began that could change anything; None without one."""
    times = (e.time for e in kept if e.seq > since and _note(e).get("op") == "before" and "listed" in _note(e))
    return next(times, None)


def folders(kept: Iterable[Entry], since: int) -> list[str]:
    """The directories that were not there before these calls, innermost first."""
    made = {folder for entry in kept if entry.seq > since for folder in _note(entry).get("folders", ())}
    return sorted(made, key=len, reverse=True)


def taken(entries: Iterable[Entry]) -> Entry | None:
    """The note of what can be put back now: the latest undo after which nothing new was begun."""
    stack: list[Entry] = []
    intent: Entry | None = None
    putting = begun = False
    for entry in entries:
        op = _note(entry).get("op")
        if op == "undo":
            intent = entry
        elif op == "redo":
            putting = True
        elif op == "redone":
            putting = False
            stack = stack[:-1]
        elif op == "gave up":
            intent = None
        elif isinstance(entry.event, Rewound):
            stack = [*stack, intent] if intent and _note(intent)["to"] == entry.event.to else []
            intent = None
        elif isinstance(entry.event, TurnStarted | TurnEnded):
            begun = isinstance(entry.event, TurnStarted) and not putting
        elif isinstance(entry.event, MessageAdded) and begun:
            stack = []
    return stack[-1] if stack else None


def facts_of(entries: Sequence[Entry], undo: Entry) -> list[Fact]:
    """The facts that an undo took, to be put back in their order."""
    to = int(_note(undo)["to"])
    kept = [entry for entry in standing(entry for entry in entries if entry.seq < undo.seq) if entry.seq > to]
    return [e.event for e in kept if isinstance(e.event, Fact) and _note(e).get("op") not in BOOKKEEPING]


def _note(entry: Entry) -> dict[str, Any]:
    event = entry.event
    return dict(event.data) if isinstance(event, Noted) and event.plugin == PLUGIN else {}


def is_op(entry: Entry, op: str) -> bool:
    """Whether a fact is our note of this kind."""
    return _note(entry).get("op") == op
