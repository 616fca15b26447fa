"""Holds the agent to a goal: /goal, `mimo run --goal`, the tool `goal`, and an independent judge at every stop."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import Command, Setting, ToolServer

if TYPE_CHECKING:
    from mimocode.events import Fact
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Who judges."""
    shape = "mimocode_plugins.judgement.goal.settings:GoalSettings"
    return [Setting("goal", shape, {}, "Who judges whether a goal is met, and how much of it there may be.")]


@hookimpl
async def register_commands() -> Iterable[Command]:
    """/goal."""
    return [
        Command("goal", "work until a condition is met, judged by somebody else", _goal, "[CONDITION [:: COMMAND]]")
    ]


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `goal`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("goal", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """The user's message brings its goal with it."""
    from mimocode.events import MessageAdded

    if not isinstance(fact, MessageAdded) or session.parent is not None:
        return
    if fact.message.role == "user" and not fact.message.origin:
        from .gate import heard

        await heard(session)


@hookimpl(trylast=True)  # what is cheap to know is asked first
async def before_stop(session: Session) -> str | None:
    """Send the agent back while the goal is not met."""
    if not session.state.notes.get("goal"):
        return None
    from .gate import gate

    return await gate(session)


async def _goal(arguments: str, session: Session) -> str | None:
    from .gate import PENDING, clear, status
    from .goals import parsed

    text = arguments.strip()
    if not text:
        await session.notice("goal", status(session))
    elif text in ("clear", "reset", "stop", "off"):
        await session.notice("goal", "the goal is cleared" if await clear(session) else "there is no goal")
    else:
        session.stash[PENDING] = text
        return parsed(text)[0]
    return None
