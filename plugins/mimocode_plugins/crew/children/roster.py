"""Who works for a session and how they stand, read from the notes in its log. Pure.

Times are Unix seconds. States: queued, running, asking, stalled, looping while it works; done, partial, blocked,
failed, cancelled when it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mimocode.messages import JSON

NOTES = "actors"
"""Under this name everything about children is noted in the log of their parent."""
TASKS = "tasks"
"""Under this name the tree of tasks is noted in the log."""
OVER = ("done", "partial", "blocked", "failed", "cancelled")
ALIVE = ("queued", "running", "asking", "stalled", "looping")


@dataclass(frozen=True)
class Order:
    """What a child is asked to do. `schema` is the JSON Schema of its result, `model` a reference or a tier."""

    agent: str
    prompt: str
    description: str = ""
    context: str = "none"
    model: str = ""
    schema: JSON | None = None
    worktree: bool = False
    background: bool = False
    origin: str = ""
    """Who ordered it when it was not the agent itself: "workflow", "team"."""
    task: str = ""
    """The task of the conversation that it was given; its state follows the child's."""
    peer: bool = False
    """A session with a topic that is led, gone on with and handed to the user."""
    directory: str = ""
    """Where it works; "": where its parent does."""
    within: tuple[JSON, ...] = ()
    """Tables of permissions that it has to keep, in addition to those of its agent and of its parents."""


@dataclass(frozen=True)
class Actor:
    """A child as the log shows it."""

    id: str
    order: Order
    began: float = 0.0
    session: str = ""
    state: str = "queued"
    why: str = ""
    summary: str = ""
    text: str = ""
    value: Any = None
    ended: float = 0.0
    told: bool = False
    place: str = ""
    """The worktree that it works in."""
    sent: tuple[str, ...] = ()
    usage: JSON | None = None

    @property
    def over(self) -> bool:
        """Nothing more comes of it unless it is resumed."""
        return self.state in OVER


def roster(notes: Iterable[JSON]) -> dict[str, Actor]:
    """All children in the order in which they were started."""
    found: dict[str, Actor] = {}
    for note in notes:
        id = str(note.get("id", ""))
        if note.get("op") == "ordered":
            found[id] = Actor(id, _order(note["order"]), float(note.get("at", 0)))
        elif id in found:
            found[id] = _after(found[id], note)
    return found


def _order(said: Mapping[str, Any]) -> Order:
    return Order(**{name: said[name] for name in Order.__dataclass_fields__ if name in said})


def _after(actor: Actor, note: JSON) -> Actor:
    match note.get("op"):
        case "opened":
            return replace(actor, session=str(note["session"]), place=str(note.get("place", "")))
        case "state":
            return replace(actor, state=str(note["state"]), why=str(note.get("why", "")))
        case "sent":
            return replace(actor, sent=(*actor.sent, str(note["text"])))
        case "mode":
            return replace(actor, order=replace(actor.order, agent=str(note["agent"])))
        case "background":
            return replace(actor, order=replace(actor.order, background=True))
        case "told":
            return replace(actor, told=True)
        case "resumed":
            again = replace(actor.order, **note.get("order", {}))
            return replace(actor, order=again, state="queued", why="", summary="", text="", value=None, told=False)
        case "placed":
            return replace(actor, place=str(note.get("place", "")))
        case "ended":
            kept = {name: note[name] for name in ("state", "why", "summary", "text", "value", "usage") if name in note}
            return replace(actor, **kept, ended=float(note.get("at", 0)))
    return actor


def next_id(found: Mapping[str, Actor], agent: str) -> str:
    """The id of the next child of this agent: "explore-2"."""
    used = [int(id.rpartition("-")[2]) for id, actor in found.items() if actor.order.agent == agent]
    return f"{agent}-{max(used, default=0) + 1}"


def line(actor: Actor) -> str:
    """A child in one line."""
    tail = actor.why or actor.summary
    return f"{actor.id} [{actor.state}] {actor.order.description or actor.order.prompt[:60]}" + (
        f" ({tail})" if tail else ""
    )
