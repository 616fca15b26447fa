"""One child from its order to its report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, ToolFailed
from mimocode.events import Interrupt, MessageAdded, Noted, Say, WindowOpened, builtins
from mimocode.switchboard import describe

from . import worktree
from .reports import LONGEST, Report, brief, prose, read
from .roster import TASKS
from .settings import bounds
from .team import FOUND, INBOX, LIVE, letter

if TYPE_CHECKING:
    from mimocode.messages import Message, Part
    from mimocode.session import Session
    from mimocode.state import State

    from .team import Live, Team

RECALLED = 12_000
"""Tokens of what the caller knows, for a child with the context "state"."""
HEADED, TYPED = 1, 2
"""How often a child is asked again for a report with its header, and for a result of its type (runtime.md 6.3)."""
ASKED, OF_ONE = 8, 2_000
"""Messages of the user that such a child is shown, and characters of each."""


async def work(team: Team, live: Live) -> None:
    """Run a child to its end. Whatever breaks, there is an outcome; only the end of its parent leaves it open."""
    seconds = bounds(team.session.host).timeout or None
    usage = None
    try:
        async with live.place:
            try:
                async with asyncio.timeout(seconds):
                    report, usage = await _conversation(team, live)
            except TimeoutError:
                report = Report("failed", "", "", wrong=f"it took longer than {seconds or 0:g} s")
    except asyncio.CancelledError:
        if live.cut is None:
            live.over.set()
            raise
        report = Report(live.cut[0], "", "", wrong=live.cut[1])
    except Exception as error:
        if not isinstance(error, MimoError):
            team.session.host.report("mimocode_plugins.crew.actors", error)
        report = Report("failed", "", "", wrong=str(error) if isinstance(error, MimoError) else describe(error))
    live.child = None
    try:
        await _close(team, live, report, usage)
    except MimoError as error:
        team.session.host.report("mimocode_plugins.crew.actors", error)
    finally:
        team.live.pop(live.id, None)
        live.over.set()


async def _close(team: Team, live: Live, report: Report, usage: dict[str, object] | None) -> None:
    said: dict[str, object] = {"state": report.state, "summary": report.summary, "text": report.text[:LONGEST]}
    if report.wrong:
        said["why"] = report.wrong
    if report.value is not None:
        said["value"] = report.value
    if live.directory:
        await _tidied(team, live, Path(live.directory))
    await team.note(live.id, "ended", **said, usage=usage)
    await team.ended(live)


async def _tidied(team: Team, live: Live, place: Path) -> None:
    """A worktree in which nothing changed goes; one that git cannot speak about stays."""
    try:
        if not await worktree.changed(place):
            await worktree.discard(team.session.host.root, place)
            await team.note(live.id, "placed", place="")
    except ToolFailed as error:
        await team.session.notice("actors", str(error), "warning")


async def _conversation(team: Team, live: Live) -> tuple[Report, dict[str, object]]:
    parent, order, known = team.session, live.order, live.session
    if order.worktree and not live.directory:
        live.directory = str(await worktree.make(parent.host.root, parent.directory, f"{parent.id[-8:]}-{live.id}"))
    model, title = await _model(parent, live), "" if known else order.description[:80] or live.id
    opening = parent.host.open(known, agent=order.agent, model=model, parent=parent, title=title)
    async with opening as child:
        child.stash[LIVE], live.child = live, child
        child.directory = Path(live.directory or order.directory or parent.directory)
        if order.within:
            child.agent = replace(child.agent, options={**child.agent.options, "within": order.within})
        live.session = child.id
        await team.note(live.id, "opened", session=child.id, place=live.directory)
        await _state(team, live, "running", "")
        if not known and live.window is not None:
            for note in live.notes:
                await child.emit(Noted(FOUND, note))
            await child.emit(live.window)
        if live.cut is not None:
            return _outcome(live, child), builtins(child.state.usage)
        watching = asyncio.create_task(_watch(team, live, child), name=f"watch {live.id}")
        try:
            await child.submit(Say(await _told(team, live, fresh=not known), origin="" if live.own else INBOX))
            for text in await _unread(team, live, child):
                await child.submit(Say(letter("caller", text), origin=INBOX))
            await child.settled()
        finally:
            watching.cancel()
        return _outcome(live, child), builtins(child.state.usage)


async def _model(parent: Session, live: Live) -> str:
    """The one that was named, else the agent's own, else its parent's.

    A child that begins with its parent's request asks the model that knows this request already.
    """
    if live.order.model or live.session:
        return live.order.model
    if live.window is not None:
        return parent.model.ref if parent.model else parent.model_ref
    return "" if (await parent.host.agent(live.order.agent)).model else parent.model_ref


async def _told(team: Team, live: Live, *, fresh: bool) -> str:
    if not live.own:
        return live.said
    text = brief(live.said, live.order.schema)
    if live.order.task:
        text += f"\n\nThis is {live.order.task} in the list of tasks; its state follows your report."
    if live.order.context == "state" and fresh:
        text = f"{await _knowledge(team.session)}\n\n{text}"
    return text


async def _unread(team: Team, live: Live, child: Session) -> Iterable[str]:
    """Letters that were written to a child before it could read them."""
    store = await child.host.store()
    heard = sum(
        isinstance(entry.event, MessageAdded)
        and entry.event.message.origin == INBOX
        and entry.event.message.text.startswith('<message from="caller">')
        for entry in store.read(child.id)
    )
    return team.find(live.id).sent[heard:]


def fork(parent: Session) -> WindowOpened | None:
    """The parent's window as it stands: a request of the child then begins with the parent's last one, byte for byte.

    An answer whose calls are still open is left out; it had no part in that request.
    """
    return begun(parent.state, parent.id)


def begun(state: State, id: str) -> WindowOpened | None:
    """The window of a session as it stands, for another that begins with it."""
    if state.window is None:
        return None
    messages: list[Message] = list(state.messages)
    if state.open:
        messages = messages[:-1]
    return WindowOpened(state.window.system, state.window.tools, tuple(messages), f"begins as {id} was")


async def recall(session: Session, room: int) -> Iterable[Part]:
    """Names the hook of the context family by which plugins say what a conversation should not forget."""
    return ()


async def _knowledge(session: Session) -> str:
    """What the caller knows, for a child that did not hear it."""
    said = [m.text[:OF_ONE] for m in session.state.messages if m.role == "user" and not m.origin][-ASKED:]
    told = "\n\n".join(f"> {text}" for text in said)
    parts: list[str] = [f"## What the user asked for, in their words\n{told}"] if told else []
    try:
        answers = await session.hooks.collect(recall, session=session, room=RECALLED)
    except AttributeError:  # the context family is not there
        answers = []
    found = sorted((part for offer in answers for part in offer), key=lambda part: part.rank)
    parts += [part.text for part in found]
    return prose("state.md").replace("KNOWN", "\n\n".join(parts))


async def _watch(team: Team, live: Live, child: Session) -> None:
    """Look at a child now and then, and when something happens to it; note each change of its state once."""
    limits = bounds(child.host)
    while True:
        live.poke.clear()
        waiting = next(iter(child.state.waiting.values()), None)
        now = time.monotonic()
        if waiting is not None:
            live.watch.last = now  # it is the user who is slow
        state, why = live.watch.state(now, limits, asking=waiting.call.name if waiting else "")
        if state != live.state:
            await _state(team, live, state, why)
        if waiting is None and (hopeless := live.watch.hopeless(now, limits)):
            live.cut = live.cut or ("failed", hopeless)
            await child.submit(Interrupt())
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(live.poke.wait(), limits.beat)


async def _state(team: Team, live: Live, state: str, why: str) -> None:
    live.state = state
    await team.note(live.id, "state", state=state, why=why)
    if state in ("stalled", "looping"):
        await team.session.notice("actors", f"{live.id} is {state}: it {why}" if why else live.id, "warning")


def _outcome(live: Live, child: Session) -> Report:
    last = child.state.messages[-1] if child.state.messages else None
    text = last.text if last is not None and last.role == "assistant" else ""
    turn = live.watch.turn
    if live.cut is not None:
        return Report(live.cut[0], "", child_words(child), wrong=live.cut[1])
    if turn is None or turn.reason != "done":
        detail = turn.detail if turn is not None else "it had nothing to do"
        state = "cancelled" if turn is not None and turn.reason == "interrupted" else "failed"
        return Report(state, "", child_words(child), wrong=detail or "interrupted")
    report = read(text, live.order.schema)
    if report.state != "done":
        return report
    report = replace(report, wrong="")  # only its header may be missing
    if not (left := _left(child)):
        return report
    return replace(report, state="partial", text=f"{report.text}\n\nIncomplete tasks:\n{left}")


def _left(child: Session) -> str:
    """The tasks that a child took on and left, although it was sent back to them in its last turn."""
    noted = [note for note in child.state.notes.get(TASKS, ()) if note.get("op") == "left"]
    turn = child.state.turns[-1][0] if child.state.turns else 0
    return str(noted[-1]["tasks"]) if noted and noted[-1]["turn"] == turn else ""


def child_words(child: Session) -> str:
    """What a child said last that was its own."""
    mine = child.state.window.messages if child.state.window else ()
    own = list(child.state.messages)[len(mine) :]
    return next((m.text for m in reversed(own) if m.role == "assistant" and m.text), "")


def gate(session: Session) -> str | None:
    """Whether a child that wants to stop has to say it better."""
    live: Live | None = session.stash.get(LIVE)
    if live is None or not session.state.messages or live.repairs >= (TYPED if live.order.schema else HEADED):
        return None
    last = session.state.messages[-1]
    report = read(last.text if last.role == "assistant" else "", live.order.schema)
    if not report.wrong:
        return None
    live.repairs += 1
    again = "" if live.order.schema else f"\n\n{prose('report.md')}"
    return prose("repair.md").replace("WRONG", report.wrong) + again
