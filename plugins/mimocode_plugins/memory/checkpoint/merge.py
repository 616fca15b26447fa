"""A checkpoint made from the log alone: what the last one said, and what happened since. No model, no waiting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..layout import breadth, tokens
from .document import SECTIONS, Body, Section, added, fitted, parse
from .facts import Facts

if TYPE_CHECKING:
    from mimocode.messages import JSON
    from mimocode.state import State

STATES = {"create": "open", "start": "in_progress", "block": "blocked", "unblock": "open", "done": "done"}
OVER = ("done", "partial", "blocked", "failed", "cancelled")
"""States of subagents from which nothing more comes."""
LAST = 6
"""Calls that "Current work" ends with."""
FINISHED, ACTORS = 20, 20
"""Finished tasks, and subagents, that are named."""


def merged(before: Mapping[int, str], facts: Facts, state: State) -> Body:
    """The sections after these facts."""
    body = dict(before) | ours(before, facts, state)
    done = facts.done[-LAST:]
    if facts.said or done:
        said = facts.said[-800:].strip()
        body[5] = "\n".join([*([f"The agent said last: {said}"] if said else []), *done]).replace("\\\n", "\n")
        body[2] = f"Go on after: {done[-1].removeprefix('- ')}" if done else body.get(2, "")
    body[6] = added(body.get(6, ""), facts.changed)
    body[10] = added(body.get(10, ""), facts.decisions)
    body[12] = added(body.get(12, ""), facts.failed)
    body[13] = added(body.get(13, ""), [f"- {name}" for name in facts.identifiers])
    return body


def ours(before: Mapping[int, str], facts: Facts, state: State) -> Body:
    """The sections that no model's words get into: they are the user's, or say how tasks and subagents stand."""
    asked = [text for text in facts.users if breadth(text.strip()) >= 12]
    intent = "\n".join(f"> {line}" for line in asked[-1].splitlines()) if asked else before.get(1, "")
    return {
        1: intent.replace("\\\n", "\n"),
        3: added(before.get(3, ""), facts.directives),
        4: "\n".join([*_tasks(state.notes.get("tasks", ())), *_actors(state.notes.get("actors", ()))]),
    }


def _tasks(notes: Iterable[JSON]) -> list[str]:
    """The tree of tasks, parts indented; what is finished comes first: a long section loses that."""
    said: dict[str, list[str]] = {}
    for note in notes:
        id, op = str(note.get("id", "")), str(note.get("op", ""))
        if op == "create":
            said[id] = ["open", str(note.get("summary", "")), ""]
        elif op == "rename" and id in said:
            said[id][1] = str(note.get("summary", ""))
        elif id in said and op in (*STATES, "abandon"):
            said[id][0], said[id][2] = STATES.get(op, "abandoned"), str(note.get("note") or said[id][2])
    ids = sorted(said, key=lambda name: [int(part) for part in name[1:].split(".") if part.isdecimal()])
    finished = [id for id in ids if said[id][0] in ("done", "abandoned")]
    earlier = set(finished[:-FINISHED])
    open_ = {id.partition(".")[0] for id in ids if id not in finished}
    shown = [id for id in ids if id not in earlier]
    rows = sorted(shown, key=lambda name: name.partition(".")[0] in open_)
    return [*([f"- {len(earlier)} finished earlier"] if earlier else []), *(_task(id, *said[id]) for id in rows)]


def _task(id: str, status: str, summary: str, note: str) -> str:
    return f"{'  ' * id.count('.')}- {id} [{status}] {summary}{f' ({note})' if note else ''}"


def _actors(notes: Iterable[JSON]) -> list[str]:
    """The subagents that are at work, and those whose worktree is still to be merged."""
    said: dict[str, dict[str, Any]] = {}
    for note in notes:
        id, op = str(note.get("id", "")), note.get("op")
        if op == "ordered":
            order = note.get("order") or {}
            said[id] = {"state": "queued", "what": order.get("description") or str(order.get("prompt", ""))[:60]}
        elif id in said and op in ("opened", "placed", "state", "ended", "resumed"):
            said[id] |= {"state": "queued"} if op == "resumed" else {}
            said[id] |= {key: note[key] for key in ("state", "session", "place") if key in note}
    left = [(id, each) for id, each in said.items() if each["state"] not in OVER or each.get("place")]
    more = [f"- and {len(left) - ACTORS} subagents more"] if len(left) > ACTORS else []
    return [*more, *(_actor(id, **each) for id, each in left[-ACTORS:])]


def _actor(id: str, state: str, what: str, session: str = "", place: str = "") -> str:
    where = ", ".join(part for part in (session, f"works in {place}, not merged yet" if place else "") if part)
    return f"- {id} [{state}] {what}{f' ({where})' if where else ''}"


def capped(body: Mapping[int, str], caps: Mapping[int, int]) -> Body:
    """Some sections within so many tokens."""
    return {n: fitted(text, caps[n]).replace("\\\n", "\n") if n in caps else text for n, text in body.items()}


def pushed(body: Mapping[int, str], title: str, room: int) -> str:
    """A checkpoint as a new window gets it: what is filled, within `room` tokens, each section keeping its share."""
    head = f"# Checkpoint, made from this session's log{f': {title}' if title else ''}"
    filled = [section for section in SECTIONS if body.get(section.number)]
    spare = room - tokens(head) - sum(tokens(section.head) + 2 for section in filled)
    sizes = {section.number: tokens(body[section.number]) for section in filled}
    scale = min(1.0, max(0.02, spare / (sum(section.budget for section in filled) or 1)))
    for _ in range(8):  # what short sections leave over goes to the long ones
        used = sum(min(sizes[section.number], int(section.budget * scale)) for section in filled)
        if scale == 1.0 or used >= spare * 0.95 or used == sum(sizes.values()):
            break
        scale = min(1.0, scale * spare / max(used, 1))
    parts = [_section(section, body[section.number], scale) for section in filled]
    while parts and tokens("\n\n".join([head, *parts])) > room * 1.1:
        scale *= 0.85
        parts = [_section(section, body[section.number], scale) for section in filled] if scale > 0.02 else parts[:-1]
    return "\n\n".join([head, *parts])


def _section(section: Section, body: str, scale: float) -> str:
    fit = fitted(body, int(section.budget * scale), keep_first=section.number == 1)
    return f"{section.head}\n{fit}".replace("\\\n", "\n")


def read(text: str) -> Body:
    """The sections of a checkpoint."""
    return parse(text)
