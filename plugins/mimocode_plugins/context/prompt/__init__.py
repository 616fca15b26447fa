"""Gives the model its prompt: one base shared by all primary agents, or a subagent's own.

Primary agents differ by a message that is appended when one of them takes over, so that changing the agent in the
middle of a conversation leaves the request's beginning, and the provider's cache, as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.events import Fact, MessageAdded, Noted, TurnStarted, WindowOpened
from mimocode.hookspecs import hookimpl
from mimocode.messages import Part, user

if TYPE_CHECKING:
    from mimocode.ports import Agent
    from mimocode.session import Session

NAME = "prompt"


@hookimpl
def contribute(session: Session) -> Iterable[Part]:
    """The base prompt, or the prompt of a subagent in its place."""
    agent = session.agent
    if agent.prompt and not _shares_base(agent, session):
        return [Part(agent.prompt, 0, agent.source or agent.name)]
    return [Part(text("base.md"), 0, NAME)]


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Say who answers from here on, at the start of a turn or of a window."""
    window, fresh = session.state.window, isinstance(fact, WindowOpened)
    if window is None or not (fresh or isinstance(fact, TurnStarted)):
        return
    agent, notes = session.agent, session.state.notes.get(NAME, ())
    last = notes[-1]["agent"] if notes else ""
    if fresh and agent.prompt and not _shares_base(agent, session):
        said = ""  # the window has just opened with this agent's own prompt
    elif fresh or last != agent.name:
        said = _announcement(agent, last, based=any(part.source == NAME for part in window.system))
    else:
        return
    if said:
        await session.emit(MessageAdded(user(said, origin=NAME)))
    if last != agent.name and (said or agent.prompt):
        await session.emit(Noted(NAME, {"agent": agent.name}))


def _announcement(agent: Agent, last: str, *, based: bool) -> str:
    """What the model is told; nothing, when an agent without a prompt of its own goes on."""
    told = agent.prompt if based else f"{text('base.md')}\n\n{agent.prompt}".strip()
    if told:
        return text("takeover.md").format(agent=agent.name, prompt=told)
    return text("handback.md").format(agent=agent.name, last=last) if last not in ("", agent.name) else ""


def _shares_base(agent: Agent, session: Session) -> bool:
    return agent.mode == "primary" or (agent.mode == "all" and session.parent is None)


def text(name: str) -> str:
    """A prompt that lies beside this file."""
    from importlib.resources import files

    return files(__package__ or __name__).joinpath(name).read_text(encoding="utf-8").strip()
