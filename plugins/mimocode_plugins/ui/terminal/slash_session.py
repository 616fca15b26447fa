"""Slash commands that change what the conversation is: another session, agent, model, title, or one turn less."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mimocode.events import ChooseAgent, ChooseModel, Entry, MessageAdded, Retitle, Rewind, Say, TurnStarted

from ..which import held_here, names
from .items import ATTACHED, SHELL
from .picker import Choice
from .seat import Seat, standing
from .status import thousands

if TYPE_CHECKING:
    from mimocode.session import Session

    from .chat import Chat


TREE = "/tasks"
"""The choice, no name of an agent, that leads to the tree of subagents."""
PREVIEWED = 300
"""Facts at the end of a session in which its preview is looked for."""


@dataclass(frozen=True)
class Turn:
    """A turn of the session: its number from 1, the fact it began with, when, and what the user said."""

    number: int
    seq: int
    time: float
    text: str

    @property
    def said(self) -> str:
        """Its beginning, on one line."""
        return " ".join(self.text.split())[:80] or "(without words)"


async def new(chat: Chat, rest: str) -> None:
    """Begin a new session with the same agent and model."""
    session = held(chat)
    if at_rest(chat):
        chat.go(Seat(agent=session.agent.name, model=session.state.model))


async def sessions(chat: Chat, rest: str) -> None:
    """Choose one of the project's sessions, or go to the one whose id begins as said."""
    session = held(chat)

    async def resume(id: str) -> None:
        if at_rest(chat):
            chat.go(Seat(id))

    infos = [info for info in held_here((await chat.host.store()).sessions(), chat.host.root) if info.id != session.id]
    if rest:
        fitting = [info.id for info in infos if info.id.startswith(rest)]
        if len(fitting) != 1:
            chat.face.tell(f"{len(fitting) or 'no'} sessions begin with {rest!r}; /sessions lists them.", "error")
            return
        await resume(fitting[0])
        return
    if not infos:
        chat.face.tell("There is no other session in this project.")
        return

    store = await chat.host.store()
    facts = {info.id: info.facts for info in infos}
    called = names(infos, store)

    async def copied(id: str) -> None:
        if at_rest(chat):
            chat.go(Seat(fork=id))

    async def forget(id: str) -> None:
        title = called[id] or id

        async def surely(word: str) -> None:
            if word == "yes":
                store.delete(id)
                chat.face.tell(f"Deleted: {title}")
            await sessions(chat, "")

        chat.face.pick(f"Delete {title} for good?", [Choice("no", "no"), Choice("yes", "yes, delete it")], surely)

    chat.face.pick(
        "Go on with",
        [Choice(info.id, called[info.id] or info.id, f"{ago(info.updated)}, {info.facts} facts") for info in infos],
        resume,
        preview=lambda own: last_said(store.read(own, max(0, facts[own] - PREVIEWED))),
        more={"c-f": ("copy", copied), "c-d": ("delete", forget)},
    )


def last_said(entries: Iterable[Entry]) -> str:
    """What was said last in a session, in short, as Markdown."""
    asked = answered = ""
    for entry in standing(entries):
        if isinstance(entry.event, MessageAdded):
            message = entry.event.message
            words = " ".join(SHELL.sub("", ATTACHED.sub("", message.text)).split())[:400]
            if message.role == "user" and not message.origin:
                asked, answered = words, ""
            elif message.role == "assistant" and words:
                answered = message.text.strip()[:400]
    return "\n\n".join(part for part in (f"**❯ {literal(asked)}**" if asked else "", answered) if part)


async def timeline(chat: Chat, rest: str) -> None:
    """The turns of this session: what going back to one would change, go back, or go on from there in a copy."""
    session = held(chat)
    entries = standing((await chat.host.store()).read(session.id))
    turns = turns_of(entries)
    if not turns:
        chat.face.tell("Nothing was said yet.")
        return
    ends = [turn.seq for turn in turns[1:]] + [entries[-1].seq + 1]

    def preview(number: str) -> str:
        turn = turns[int(number) - 1]
        return last_said(entry for entry in entries if turn.seq <= entry.seq < ends[turn.number - 1])

    async def chosen(number: str) -> None:
        await _at_turn(chat, turns[int(number) - 1])

    choices = [Choice(str(turn.number), f"{turn.number:>3}  {turn.said}", ago(turn.time)) for turn in turns]
    chat.face.pick("Timeline", choices[::-1], chosen, preview=preview)


async def _at_turn(chat: Chat, turn: Turn) -> None:
    session, number = held(chat), turn.number
    can = "revert" in await chat.host.commands()

    async def act(what: str) -> None:
        if not at_rest(chat):
            return
        if what == "look":
            await session.submit(Say(f"/revert {number} preview"))
        elif what == "back" and can:
            await session.submit(Say(f"/revert {number}"))
            await session.settled()
            chat.face.screen.fill(turn.text)
        elif what == "back":
            await session.submit(Rewind(turn.seq - 1))
        elif what == "copy":
            chat.go(Seat(fork=session.id, to=turn.seq - 1))

    choices = [Choice("look", "show what going back would change")] if can else []
    choices += [
        Choice("back", "go back to before this turn", "files included" if can else "files stay as they are"),
        Choice("copy", "go on from before this turn in a copy", "this session and all files stay as they are"),
    ]
    chat.face.pick(f"Turn {number}: {turn.said}", choices, act)


def turns_of(entries: Iterable[Entry]) -> list[Turn]:
    """The turns among facts that count, numbered as `/revert` numbers them: with nothing said there is none."""
    found: list[Turn] = []
    begun: Entry | None = None
    for entry in entries:
        if isinstance(entry.event, TurnStarted):
            begun = entry
        elif isinstance(entry.event, MessageAdded):
            message = entry.event.message
            own = message.role == "user" and not message.origin
            if begun and (own or message.role == "assistant"):
                found.append(Turn(len(found) + 1, begun.seq, begun.time, ""))
                begun = None
            if own and found and not found[-1].text:
                found[-1] = replace(found[-1], text=SHELL.sub("", ATTACHED.sub("", message.text)).strip())
    return found


async def models(chat: Chat, rest: str) -> None:
    """Choose the model that is asked from the next turn on."""
    session = held(chat)

    async def choose(ref: str) -> None:
        await chat.host.model(ref)  # says what is close when there is none
        await session.submit(ChooseModel(ref))

    if rest:
        await choose(rest)
        return
    infos = sorted(await chat.host.models(), key=lambda info: not info.ready)
    choices = [
        Choice(
            info.ref,
            info.ref,
            ", ".join(
                part
                for part in (
                    info.name if info.name != info.ref else "",
                    f"{thousands(info.window)} tokens" if info.window else "",
                    "" if info.ready else "needs a key",
                )
                if part
            ),
            info.ref == chat.face.model,
        )
        for info in infos
    ]
    if choices:
        chat.face.pick("Model", choices, choose)
    else:
        chat.face.tell("No plugin knows a model; `mimo models` says why.", "warning")


async def agents(chat: Chat, rest: str) -> None:
    """Choose who answers from the next turn on, or look at those who work for them."""
    from .working import tasks

    session = held(chat)

    async def choose(name: str) -> None:
        if name == TREE:
            await tasks(chat, "")
        else:
            await session.submit(ChooseAgent((await chat.host.agent(name)).name))

    if rest:
        await choose(rest)
        return
    primary = [one for one in (await chat.host.agents()).values() if one.mode != "subagent" and not one.hidden]
    choices = [Choice(one.name, one.name, one.description, one.name == session.agent.name) for one in primary]
    count = len(chat.face.feed.now.children)
    choices.append(Choice(TREE, "subagents", f"{count or 'none'} at work; the tree of them and of the tasks"))
    chat.face.pick("Agent", choices, choose)


async def rename(chat: Chat, rest: str) -> None:
    """Give the session a title."""
    if rest:
        await held(chat).submit(Retitle(rest))
    else:
        chat.face.screen.fill("/rename ")


async def fork(chat: Chat, rest: str) -> None:
    """Go on in a copy; the original stays as it is."""
    session = held(chat)
    if not len(session.state.messages):
        chat.face.tell("There is nothing to copy yet.", "warning")
    elif at_rest(chat):
        chat.go(Seat(fork=session.id))


async def undo(chat: Chat, rest: str) -> None:
    """Take the last turn back and put its words into the prompt again."""
    session = held(chat)
    if not at_rest(chat):
        return
    before = turns_of(standing((await chat.host.store()).read(session.id)))
    if not before:
        chat.face.tell("There is no turn to take back.", "warning")
        return
    if "undo" in await chat.host.commands():  # a plugin takes files back, too
        await session.submit(Say(f"/undo {rest}".strip()))
    else:
        await session.submit(Rewind(before[-1].seq - 1))
    await session.settled()
    left = {seq for seq, _ in session.state.turns}
    if taken := [turn for turn in before if turn.seq not in left]:
        chat.face.screen.fill(taken[0].text)


async def redo(chat: Chat, rest: str) -> None:
    """Put back what was taken back last, files included."""
    if "redo" in await chat.host.commands():
        await held(chat).submit(Say(f"/redo {rest}".strip()))
    else:
        chat.face.tell("Nothing can be put back: no plugin keeps what was taken back.", "warning")


async def leave(chat: Chat, rest: str) -> None:
    """Leave."""
    chat.go(None)


def held(chat: Chat) -> Session:
    """The session; slash commands run only while there is one."""
    assert chat.face.session is not None
    return chat.face.session


def at_rest(chat: Chat) -> bool:
    """Whether nothing runs that would be cut short; else it is said."""
    if held(chat).state.busy or chat.face.command:
        chat.face.tell("Wait for the turn to end, or stop it with Esc.", "warning")
        return False
    return True


def literal(text: str) -> str:
    """Text that is not to be read as Markdown."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>~&#" else letter for letter in text)


def ago(then: float) -> str:
    """How long ago, for people."""
    minutes = max(0, int(time.time() - then)) // 60
    if minutes < 60:
        return f"{minutes} min ago" if minutes else "just now"
    hours = minutes // 60
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} days ago"
