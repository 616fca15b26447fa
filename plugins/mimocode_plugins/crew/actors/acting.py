"""What the tool `actor` does, an action each."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed

from ..children import worktree
from ..children.reports import told, unfit
from ..children.roster import TASKS, Actor, Order, line
from ..children.team import Live, Team, team

if TYPE_CHECKING:
    from mimocode.session import Session

PATIENCE = 600.0
"""Seconds that run and wait last (runtime.md 6.3)."""
USUAL = "general"
"""Who does it when nobody is named."""
MODELS = 50
"""Models that are listed."""


@dataclass(frozen=True)
class Wish:
    """The arguments of a call, as they came."""

    subagent_type: str = ""
    description: str = ""
    prompt: str = ""
    context: str = ""
    model: str = ""
    output_schema: Any = None
    worktree: bool = False
    task_id: str = ""
    actor_id: str = ""
    timeout: float = PATIENCE


async def spawn(session: Session, wish: Wish) -> str:
    """Start, or let go on, in the background."""
    live = await _begun(session, wish, background=True)
    return f"{live.id} works in the background; you are told when it is over."


async def run(session: Session, wish: Wish) -> str:
    """Start, or let go on, and wait for the report."""
    live = await _begun(session, wish, background=False)
    mine = team(session)
    try:
        await mine.wait([live.id], wish.timeout)
    except asyncio.CancelledError:
        await asyncio.shield(mine.cancel(live.id, "its caller was interrupted"))
        raise
    return await _came(mine, live)


async def _begun(session: Session, wish: Wish, *, background: bool) -> Live:
    mine = team(session)
    if wish.actor_id:
        if not wish.prompt.strip():
            raise ToolFailed("Say in prompt what it is to do now.")
        return await mine.resume(wish.actor_id, wish.prompt, background=background)
    return await mine.start(await _order(session, wish, background))


async def _order(session: Session, wish: Wish, background: bool) -> Order:
    if not wish.prompt.strip():
        raise ToolFailed("Say in prompt what is to be done, with everything that is needed for it.")
    if wish.context not in ("", "none", "state", "full"):
        raise ToolFailed("context is none, state or full.")
    name = wish.subagent_type or (session.agent.name if wish.context == "full" else USUAL)
    agent = (await session.host.agents()).get(name)
    itself = wish.context == "full" and name == session.agent.name
    if agent is None or ((agent.mode == "primary" or agent.hidden) and not itself):
        there = [a.name for a in (await session.host.agents()).values() if a.mode != "primary" and not a.hidden]
        raise ToolFailed(f"There is no subagent {name!r}; there is: {', '.join(there) or 'none'}.")
    return Order(
        name,
        wish.prompt,
        wish.description.strip(),
        wish.context or "none",
        wish.model,
        _schema(wish.output_schema),
        wish.worktree,
        background,
        task=_task(session, wish.task_id),
    )


def _task(session: Session, id: str) -> str:
    """A task of the conversation, as the log of whoever talks to the user has it."""
    wanted = id.strip().upper()
    while session.parent is not None:
        session = session.parent
    known = [str(note["id"]) for note in session.state.notes.get(TASKS, ()) if note.get("op") == "create"]
    if wanted and wanted not in known:
        raise ToolFailed(f"There is no task {id!r}; there are: {', '.join(known[-20:]) or 'none yet'}.")
    return wanted


def _schema(given: Any) -> Mapping[str, Any] | None:
    if given in (None, "", {}):
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise ToolFailed(f"output_schema is not JSON: {error}") from None
    if why := unfit(given):
        raise ToolFailed(f"output_schema is no JSON Schema to check by: {why}")
    schema: Mapping[str, Any] = given
    return schema


async def _came(mine: Team, live: Live) -> str:
    """The report; or, when it takes longer than the caller wanted to wait, that it goes on."""
    if (working := mine.live.get(live.id)) is not None:
        if not working.order.background:
            await mine.note(live.id, "background")
            working.order = mine.find(live.id).order
        return f"{live.id} is {live.state} and goes on in the background; wait for it, or you are told when it is over."
    return told(mine.find(live.id))


async def status(session: Session, wish: Wish) -> str:
    """How they stand."""
    mine = team(session)
    if wish.actor_id:
        actor = mine.find(wish.actor_id)
        return told(actor) if actor.over else _standing(actor, mine.live.get(actor.id))
    return "\n".join(_standing(a, mine.live.get(a.id)) for a in mine.actors.values()) or "No subagents yet."


def _standing(actor: Actor, live: Live | None) -> str:
    if live is None:
        return line(actor) if actor.over else f"{line(actor)}: cut off; actor_id with run or spawn lets it go on"
    seen = time.monotonic() - live.watch.last
    return f"{line(actor)}: {live.watch.steps} steps, last sign of life {seen:.0f} s ago"


async def wait(session: Session, wish: Wish) -> str:
    """Wait for one, or for all that work."""
    mine = team(session)
    ids = [mine.find(wish.actor_id).id] if wish.actor_id else list(mine.live)
    if not ids:
        return "Nobody is at work."
    return "\n\n".join(await mine.reports(ids, wish.timeout, _standing))


async def cancel(session: Session, wish: Wish) -> str:
    """End one with all that it started; or all."""
    mine = team(session)
    ids = [wish.actor_id] if wish.actor_id else list(mine.live)
    ended = await asyncio.gather(*(mine.cancel(id) for id in ids))
    return "\n".join(map(line, ended)) or "Nobody is at work."


async def send(session: Session, wish: Wish) -> str:
    """Write to one that works."""
    if not wish.prompt.strip():
        raise ToolFailed("Say in prompt what to send.")
    return await team(session).send(wish.actor_id or "parent", wish.prompt)


async def merge(session: Session, wish: Wish) -> str:
    """Bring what a child did in its worktree into the working tree."""
    place = _place(session, wish)
    said = await worktree.merge(session, place)
    await team(session).note(wish.actor_id, "placed", place="")
    return said


async def discard(session: Session, wish: Wish) -> str:
    """Throw away what a child did in its worktree."""
    place = _place(session, wish)
    await worktree.discard(session.host.root, place)
    await team(session).note(wish.actor_id, "placed", place="")
    return "The worktree is gone with all that was in it."


def _place(session: Session, wish: Wish) -> Path:
    mine = team(session)
    actor = mine.find(wish.actor_id)
    if actor.id in mine.live:
        raise ToolFailed(f"{actor.id} still works in it; wait for it or cancel it.")
    if not actor.place:
        raise ToolFailed(f"{actor.id} has no worktree.")
    return Path(actor.place)


async def models(session: Session, wish: Wish) -> str:
    """What can be asked."""
    found = [info for info in await session.host.models() if info.ready]
    groups = session.host.settings["model_groups"] if "model_groups" in session.host.settings else {}  # noqa: SIM401
    tiers = [f"{name} (tier)" for name in (groups or {})]
    lines = tiers + [f"{info.ref} ({info.window:,} tokens)" if info.window else info.ref for info in found[:MODELS]]
    more = [f"{len(found) - MODELS} more"] if len(found) > MODELS else []
    return "\n".join(lines + more) or "No model is known to be ready; without model the caller's is asked."


def display(session: Session, action: str, wish: Wish) -> dict[str, Any]:
    """For the screen: how all children stand."""
    title = " ".join(part for part in (action, wish.actor_id or wish.subagent_type, wish.description) if part)
    shown = [{"id": a.id, "state": a.state, "summary": a.summary} for a in team(session).actors.values()]
    return {"title": title, "actors": shown[-20:]}


ACTIONS: dict[str, Callable[[Session, Wish], Coroutine[Any, Any, str]]] = {
    "run": run,
    "spawn": spawn,
    "status": status,
    "wait": wait,
    "cancel": cancel,
    "send": send,
    "merge": merge,
    "discard": discard,
    "models": models,
}
