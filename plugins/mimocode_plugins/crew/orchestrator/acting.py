"""What the tool `session` does, an action each."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed
from mimocode.events import Approve, ChooseAgent, Noted, WindowOpened
from mimocode.ports import StashKey
from mimocode.state import replay

from ..children.child import begun
from ..children.reports import told
from ..children.roster import Actor, Order, line
from ..children.team import Live, Team, team

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "orchestrator"
USUAL = "build"
PATIENCE = 600.0
"""Seconds that join and ask wait."""
WORDS = 300
"""Characters of what a session said last, on the dashboard."""
_going: StashKey[str] = StashKey("crew.orchestrator.going")


@dataclass(frozen=True)
class Wish:
    """The arguments of a call, as they came."""

    id: str = ""
    topic: str = ""
    prompt: str = ""
    agent: str = ""
    model: str = ""
    worktree: bool = False
    allow: bool = True
    timeout: float = PATIENCE


async def create(session: Session, wish: Wish) -> str:
    """Begin a session for a topic, or go on with the one that has it."""
    topic = " ".join(wish.topic.split())
    if not topic or not wish.prompt.strip():
        raise ToolFailed("Give a topic in a few words, and in prompt what is to be done.")
    mine = team(session)
    for actor in _led(mine):
        if actor.order.description == topic:
            return await send(session, Wish(actor.id, prompt=wish.prompt))
    agent = await _primary(session, wish.agent or USUAL)
    order = Order(agent, wish.prompt, topic, model=wish.model, worktree=wish.worktree, background=True, peer=True)
    live = await mine.start(order)
    return f"{live.id} works on {topic}; you are told when it is over."


async def _primary(session: Session, name: str) -> str:
    agents = (await session.host.agents()).values()
    there = [one.name for one in agents if one.mode != "subagent" and not one.hidden and one.name != session.agent.name]
    if name not in there:
        raise ToolFailed(f"There is no agent {name!r} to hold a session; there is: {', '.join(there)}.")
    return name


def _led(mine: Team) -> list[Actor]:
    return [actor for actor in mine.actors.values() if actor.order.peer]


def _one(session: Session, wish: Wish) -> Actor:
    """A session that is led, by its id or its topic."""
    led = _led(team(session))
    wanted = wish.id or wish.topic
    for actor in led:
        if wanted in (actor.id, actor.session, actor.order.description):
            return actor
    raise ToolFailed(f"There is no session {wanted!r}; there is: {', '.join(each.id for each in led) or 'none yet'}.")


async def send(session: Session, wish: Wish) -> str:
    """Say something in a session: it joins at its next step, or the session goes on with it."""
    mine, actor = team(session), _one(session, wish)
    if not wish.prompt.strip():
        raise ToolFailed("Say in prompt what to send.")
    if actor.id in mine.live:
        return await mine.send(actor.id, wish.prompt)
    await mine.resume(actor.id, wish.prompt, background=True)
    return f"{actor.id} goes on; you are told when it is over."


async def list_(session: Session, wish: Wish) -> str:
    """One line each."""
    return "\n".join(f"{line(actor)} {actor.session}".rstrip() for actor in _led(team(session))) or "No sessions yet."


async def dashboard(session: Session, wish: Wish) -> str:
    """How each of them stands."""
    mine = team(session)
    return "\n\n".join([_card(actor, mine.live.get(actor.id)) for actor in _led(mine)]) or "No sessions yet."


def _card(actor: Actor, live: Live | None) -> str:
    rows = [f"{line(actor)}", f"agent {actor.order.agent}, {actor.session or 'not begun'}"]
    if actor.place:
        rows.append(f"works in {actor.place}, not merged yet")
    child = live.child if live else None
    if live is not None and child is not None:
        usage, seen = child.state.usage, time.monotonic() - live.watch.last
        rows.append(f"{live.watch.steps} steps, {usage.input + usage.output:,} tokens, last sign {seen:.0f} s ago")
        rows += [f"asks for {each.call.name}: {each.reason}" for each in child.state.waiting.values()]
        rows.append(f"said last: {child.last_words()[:WORDS] or 'nothing yet'}")
    elif actor.usage:
        rows.append(f"{int(actor.usage.get('input', 0)) + int(actor.usage.get('output', 0)):,} tokens")
    return "\n  ".join(rows)


async def status(session: Session, wish: Wish) -> str:
    """One of them; its report when it is over."""
    actor = _one(session, wish)
    return told(actor) if actor.over else _card(actor, team(session).live.get(actor.id))


async def join(session: Session, wish: Wish) -> str:
    """Wait for one, or for all that work."""
    mine = team(session)
    wanted = [_one(session, wish)] if wish.id or wish.topic else [one for one in _led(mine) if one.id in mine.live]
    rows = await mine.reports([actor.id for actor in wanted], wish.timeout, _card)
    return "\n\n".join(rows) or "Nobody is at work."


async def cancel(session: Session, wish: Wish) -> str:
    """End one with all that it started; what it said stays."""
    return line(await team(session).cancel(_one(session, wish).id))


async def ask(session: Session, wish: Wish) -> str:
    """Ask a session something without disturbing it: a copy of it answers, which can do nothing."""
    mine, actor = team(session), _one(session, wish)
    if not wish.prompt.strip():
        raise ToolFailed("Say in prompt what to ask.")
    state = replay((await session.host.store()).read(actor.session)) if actor.session else None
    window: WindowOpened | None = begun(state, actor.session) if state else None
    if state is None or window is None:
        raise ToolFailed(f"{actor.id} has said nothing yet.")
    question = f"Aside, without going on with your work: {wish.prompt}"
    order = Order(actor.order.agent, question, f"ask {actor.id}", model=state.model, within=({"*": "deny"},))
    live = await mine.start(order, window)
    await mine.wait([live.id], wish.timeout)
    if live.id in mine.live:
        await mine.cancel(live.id, "its answer took too long")
    answer = mine.find(live.id)
    return answer.text or answer.why


async def setmode(session: Session, wish: Wish) -> str:
    """Let another primary agent go on in a session, from its next turn."""
    mine, actor = team(session), _one(session, wish)
    name = await _primary(session, wish.agent)
    await mine.note(actor.id, "mode", agent=name)
    if (live := mine.live.get(actor.id)) is not None:
        live.order = mine.find(actor.id).order
        if live.child is not None:
            await live.child.submit(ChooseAgent(name))
    return f"{actor.id} works as {name} from here on."


async def approve(session: Session, wish: Wish) -> str:
    """Answer what a session asks for, if the user lets you; what only a person may allow stays with the user."""
    actor = _one(session, wish)
    live = team(session).live.get(actor.id)
    asked = next(iter(live.child.state.waiting.values()), None) if live and live.child else None
    if live is None or live.child is None or asked is None:
        raise ToolFailed(f"{actor.id} asks for nothing.")
    if wish.allow and asked.forced:
        raise ToolFailed(f"Only the user allows {asked.call.name} here: {asked.reason}")
    await live.child.submit(Approve(asked.call.id, wish.allow, wish.prompt))
    return f"{asked.call.name} of {actor.id} is {'allowed' if wish.allow else 'refused'}."


async def switch(session: Session, wish: Wish) -> str:
    """Take the user to a session when this turn is over."""
    mine, actor = team(session), _one(session, wish)
    if actor.id in mine.live or not actor.session:
        raise ToolFailed(f"{actor.id} is at work; wait for it with join, or cancel it. Then the user can go there.")
    session.stash[_going] = actor.session
    others = "; those that work pause until the user comes back" if mine.live else ""
    elsewhere = f"elsewhere with mimo --session {actor.session}"
    return f"At a terminal the user goes there when your turn ends{others}; {elsewhere}."


async def leave(session: Session) -> None:
    """Say to the front end where the user is to be taken."""
    if id := session.stash.pop(_going, ""):
        await session.emit(Noted(NOTES, {"go_to": id}))


def display(session: Session, action: str, wish: Wish) -> dict[str, Any]:
    """For the screen: how all of them stand."""
    title = " ".join(part for part in (action, wish.id, wish.topic) if part)
    shown = [{"id": a.id, "state": a.state, "topic": a.order.description} for a in _led(team(session))]
    return {"title": title, "sessions": shown[-20:]}


ACTIONS: dict[str, Callable[[Session, Wish], Coroutine[Any, Any, str]]] = {
    "create": create,
    "send": send,
    "list": list_,
    "dashboard": dashboard,
    "status": status,
    "join": join,
    "cancel": cancel,
    "ask": ask,
    "setmode": setmode,
    "approve": approve,
    "switch": switch,
}
