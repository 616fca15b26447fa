"""The children of one session while this process runs them: started, waited for, written to, cancelled, resumed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from mimocode.errors import ToolFailed
from mimocode.events import Interrupt, Noted, Say
from mimocode.ports import StashKey

from .places import Place
from .reports import told
from .roster import NOTES, Actor, Order, next_id, roster
from .settings import bounds
from .watching import Watch

if TYPE_CHECKING:
    from mimocode.events import WindowOpened
    from mimocode.messages import JSON
    from mimocode.session import Session

FOUND = "tool_search"
"""Under this name it is noted which tools were found: they are part of a request."""
INBOX = "inbox"
"""Origin of messages between agents."""
ENDING = 8.0
"""Seconds that a cancelled child gets to close what it opened."""


@dataclass
class Live:
    """A child that this process runs, or is about to."""

    id: str
    order: Order
    place: Place
    watch: Watch
    session: str = ""
    """Its session when it is resumed; a new one gets its own."""
    said: str = ""
    """What it is told; for a resumed child what it is to do now."""
    own: bool = True
    """What it is told comes from an agent, not from the runtime."""
    window: WindowOpened | None = None
    """The window of its parent that it begins with."""
    notes: tuple[JSON, ...] = ()
    """Tools that its parent had found by then."""
    directory: str = ""
    child: Session | None = None
    task: asyncio.Task[None] | None = None
    ending: asyncio.Task[Actor] | None = None
    cut: tuple[str, str] | None = None
    """Why it was ended from outside: state and reason."""
    state: str = "queued"
    repairs: int = 0
    awaited: int = 0
    poke: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


_team: StashKey[Team] = StashKey("crew.children.team")
LIVE: StashKey[Live] = StashKey("crew.children.live")
"""In the stash of a child's session: how its parent sees it."""


def team(session: Session) -> Team:
    """The children of a session."""
    if _team not in session.stash:
        session.stash[_team] = Team(session)
    found: Team = session.stash[_team]
    return found


def depth(session: Session) -> int:
    """How many sessions stand above this one."""
    count = 0
    while session.parent is not None:
        session, count = session.parent, count + 1
    return count


def too_deep(session: Session) -> bool:
    """Whether a session stands so deep that it has no children."""
    return depth(session) >= bounds(session.host).depth


class Team:
    """The children of one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.live: dict[str, Live] = {}
        self.holding = False
        """The session is about to stop and waits for its children: it takes their reports itself."""
        self._revived = False

    @property
    def actors(self) -> dict[str, Actor]:
        """All children that there ever were, as the log has them."""
        return roster(self.session.state.notes.get(NOTES, ()))

    def find(self, id: str) -> Actor:
        """A child by its id.

        Raises:
            ToolFailed: there is none.
        """
        actors = self.actors
        if id not in actors:
            raise ToolFailed(f"There is no subagent {id!r}; there is: {', '.join(actors) or 'none yet'}.")
        return actors[id]

    async def note(self, id: str, op: str, **data: object) -> None:
        """Write something about a child into the log."""
        await self.session.emit(Noted(NOTES, {"id": id, "op": op, "at": time.time(), **data}))

    async def start(self, order: Order, window: WindowOpened | None = None) -> Live:
        """Put a new child to work, or into the queue; returns at once. `window` is what it begins with.

        Raises:
            ToolFailed: it may not be started.
        """
        limits = bounds(self.session.host)
        if too_deep(self.session):
            raise ToolFailed(f"Subagents may stand {limits.depth} deep; do this yourself.")
        if limits.queue and len(self.live) >= limits.queue:
            raise ToolFailed(f"{limits.queue} subagents are not over yet; wait for some of them.")
        id = next_id(self.actors, order.agent)
        await self.note(id, "ordered", order=_plain(order))
        live = self._live(id, order)
        live.window = window
        if order.context == "full":
            from .child import fork

            live.window = fork(self.session)
            live.notes = tuple(self.session.state.notes.get(FOUND, ()))
        return self._begin(live)

    async def resume(self, id: str, said: str, *, own: bool = True, background: bool = False) -> Live:
        """Let a child that is over, or was cut off, go on in its own session.

        Raises:
            ToolFailed: it is working, or there is none.
        """
        actor = self.find(id)
        if id in self.live:
            raise ToolFailed(f"{id} is {self.live[id].state}; write to it with send, or wait for it.")
        if not await self._ours(actor):
            raise ToolFailed(f"{id} belongs to the conversation that this one is a copy of; start another.")
        await self.note(id, "resumed", order={"background": background})
        live = self._live(id, self.find(id).order)
        live.session, live.directory, live.own = actor.session, actor.place, own
        live.said = said
        return self._begin(live)

    async def _ours(self, actor: Actor) -> bool:
        """A copy of a session has its notes, but its children are not the copy's to go on with."""
        store = await self.session.host.store()
        first = next(iter(store.read(actor.session)), None) if actor.session else None
        return first is None or getattr(first.event, "parent", "") == self.session.id

    def _live(self, id: str, order: Order) -> Live:
        return Live(id, order, Place(self.session.host), Watch(time.monotonic()), said=order.prompt)

    def _begin(self, live: Live) -> Live:
        from .child import work

        self.live[live.id] = live
        live.task = asyncio.create_task(work(self, live), name=f"actor {live.id} of {self.session.id}")
        return live

    async def wait(self, ids: Iterable[str], seconds: float) -> None:
        """Wait until all of these are over, at most so long. Whoever waits gets their reports: nobody else is told."""
        lives = [self.live[id] for id in ids if id in self.live]
        mine: Live | None = self.session.stash.get(LIVE)
        for live in lives:
            live.awaited += 1
        waits = [asyncio.create_task(live.over.wait()) for live in lives]
        try:
            async with mine.place.lent() if mine else nullcontext():
                if waits:
                    await asyncio.wait(waits, timeout=seconds)
        finally:
            for each in waits:
                each.cancel()
            for live in lives:
                live.awaited -= 1

    async def reports(
        self, ids: Sequence[str], seconds: float, standing: Callable[[Actor, Live | None], str]
    ) -> list[str]:
        """Wait for these; what those report that are over, told with that, and how the others stand."""
        await self.wait(ids, seconds)
        actors = self.actors
        for id in ids:
            if actors[id].over and not actors[id].told:
                await self.note(id, "told")
        return [told(actors[id]) if actors[id].over else standing(actors[id], self.live.get(id)) for id in ids]

    async def cancel(self, id: str, why: str = "cancelled by its caller") -> Actor:
        """End a child with all that it started; one that is over stays as it is.

        Raises:
            ToolFailed: there is none.
        """
        actor, live = self.find(id), self.live.get(id)
        if live is None:
            if not actor.over:
                await self.note(id, "ended", state="cancelled", why=why)
            return self.find(id)
        live.cut = live.cut or ("cancelled", why)
        if live.child is not None:
            below = team(live.child)
            await asyncio.gather(*(below.cancel(each, "its caller was cancelled") for each in list(below.live)))
            await live.child.submit(Interrupt())
        elif live.task is not None:
            live.task.cancel()
        try:
            await asyncio.wait_for(live.over.wait(), ENDING)
        except TimeoutError:
            if live.task is not None:
                live.task.cancel()
        return self.find(id)

    async def send(self, id: str, text: str) -> str:
        """Write to a child that works, or is about to; "parent" is whoever started this session.

        Raises:
            ToolFailed: nobody is there to read it.
        """
        mine: Live | None = self.session.stash.get(LIVE)
        if id == "parent" and mine is not None and self.session.parent is not None:
            await self.session.parent.submit(Say(letter(mine.id, text), origin=INBOX))
            return "Sent to the agent that started you."
        actor, live = self.find(id), self.live.get(id)
        if live is None:
            raise ToolFailed(f"{id} is {actor.state}; let it go on with run or spawn and this actor_id.")
        await self.note(id, "sent", text=text)
        if live.child is not None:
            await live.child.submit(Say(letter("caller", text), origin=INBOX))
        return f"Sent; {id} reads it at its next step."

    async def ended(self, live: Live) -> None:
        """A child is over: tell the parent, unless somebody waits for it."""
        self.live.pop(live.id, None)
        live.over.set()
        if live.order.background and not live.order.origin and not live.awaited and not self.holding:
            await self.session.submit(Say(told(self.find(live.id)), origin=INBOX))
            await self.note(live.id, "told")

    async def revive(self) -> str:
        """Once after the session was opened: children that were cut off go on; what the parent should know of it."""
        if self._revived:
            return ""
        self._revived = True
        lines = []
        for actor in self.actors.values():
            if actor.over and actor.order.background and not actor.told and not actor.order.origin:
                lines.append(told(actor))
                await self.note(actor.id, "told")
            elif not actor.over and actor.id not in self.live:
                lines += await self._pick_up(actor)
        return "\n".join(lines)

    async def _pick_up(self, actor: Actor) -> list[str]:
        if actor.order.origin or not await self._ours(actor):  # whoever ordered it orders it again
            await self.note(actor.id, "ended", state="cancelled", why="the process that ran it ended")
            return []
        from .reports import prose

        said = prose("resumed.md") if actor.session else actor.order.prompt
        await self.resume(actor.id, said, own=not actor.session, background=True)
        return [f"{actor.id} ({actor.order.description}) was cut off with you; it goes on in the background."]

    async def close(self) -> None:
        """The session ends, and nobody outlives it. They are not over: a later process lets them go on."""
        tasks = [live.task for live in self.live.values() if live.task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=ENDING)


def letter(sender: str, text: str) -> str:
    """A message between agents."""
    return f'<message from="{sender}">\n{text}\n</message>'


def _plain(order: Order) -> dict[str, object]:
    given: dict[str, object] = msgspec.to_builtins(order)
    return {name: value for name, value in given.items() if value not in ("", False, None, [], ())}
