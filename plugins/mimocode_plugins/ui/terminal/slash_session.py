"""Slash commands that change what the conversation is: another session, agent, model, title, or one turn less."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mimocode.events import ChooseAgent, ChooseModel, Retitle, Rewind, Say

from ..which import held_here
from .items import ATTACHED, SHELL
from .picker import Choice
from .seat import Seat
from .status import thousands

if TYPE_CHECKING:
    from mimocode.session import Session

    from .chat import Chat


async def new(chat: Chat, rest: str) -> None:
    """Begin a new session with the same agent and model."""
    session = held(chat)
    chat.go(Seat(agent=session.agent.name, model=session.state.model))


async def sessions(chat: Chat, rest: str) -> None:
    """Choose one of the project's sessions, or go to the one whose id begins as said."""
    session = held(chat)
    infos = [info for info in held_here((await chat.host.store()).sessions(), chat.host.root) if info.id != session.id]
    if rest:
        fitting = [info.id for info in infos if info.id.startswith(rest)]
        if len(fitting) != 1:
            chat.face.tell(f"{len(fitting) or 'no'} sessions begin with {rest!r}; /sessions lists them.", "error")
            return
        chat.go(Seat(fitting[0]))
        return
    if not infos:
        chat.face.tell("There is no other session in this project.")
        return

    async def resume(id: str) -> None:
        chat.go(Seat(id))

    choices = [Choice(info.id, info.title or info.id, f"{ago(info.updated)}, {info.facts} facts") for info in infos]
    chat.face.pick("Go on with", choices, resume)


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
    """Choose who answers from the next turn on."""
    session = held(chat)

    async def choose(name: str) -> None:
        await session.submit(ChooseAgent((await chat.host.agent(name)).name))

    if rest:
        await choose(rest)
        return
    primary = [one for one in (await chat.host.agents()).values() if one.mode != "subagent" and not one.hidden]
    choices = [Choice(one.name, one.name, one.description, one.name == session.agent.name) for one in primary]
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
    elif session.state.busy:
        chat.face.tell("Wait for the turn to end, or stop it with Esc.", "warning")
    else:
        chat.go(Seat(fork=session.id))


async def undo(chat: Chat, rest: str) -> None:
    """Take the last turn back and put its words into the prompt again."""
    session = held(chat)
    if session.state.busy:
        chat.face.tell("Wait for the turn to end, or stop it with Esc.", "warning")
        return
    if not len(session.state.turns):
        chat.face.tell("There is no turn to take back.", "warning")
        return
    said = next((m.text for m in reversed(session.state.messages) if m.role == "user" and not m.origin), "")
    before = len(session.state.turns)
    if "undo" in await chat.host.commands():  # a plugin takes files back, too
        await session.submit(Say(f"/undo {rest}".strip()))
    else:
        await session.submit(Rewind(session.state.turns[-1][0] - 1))
    await session.settled()
    if len(session.state.turns) < before:
        chat.face.screen.fill(SHELL.sub("", ATTACHED.sub("", said)).strip())


async def leave(chat: Chat, rest: str) -> None:
    """Leave."""
    chat.go(None)


def held(chat: Chat) -> Session:
    """The session; slash commands run only while there is one."""
    assert chat.face.session is not None
    return chat.face.session


def ago(then: float) -> str:
    """How long ago, for people."""
    minutes = max(0, int(time.time() - then)) // 60
    if minutes < 60:
        return f"{minutes} min ago" if minutes else "just now"
    hours = minutes // 60
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} days ago"
