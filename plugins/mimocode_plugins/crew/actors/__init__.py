"""Subagents: the tool `actor` starts them, watches them, writes to them, ends them; `mimo agents`, `/actors`.

A subagent is a session with a parent. How it stands is noted in the parent's log, so that it survives the process.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import Event, MessageAdded, Rewound, TurnEnded, TurnStarted
from mimocode.hookspecs import hookimpl
from mimocode.messages import Part, user
from mimocode.ports import Command, Ruling, Setting, ToolServer

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.messages import ToolCall
    from mimocode.ports import Prompt
    from mimocode.session import Session

RANK = 61
"""After the tasks."""


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `actors`."""
    shape = "mimocode_plugins.crew.children.settings:Bounds"
    return [Setting("actors", shape, {}, "How many subagents work at once, how deep, how long.", needs_trust=True)]


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `actor`, except to those that stand too deep."""
    from ..children.team import too_deep

    def open_() -> Any:
        from .server import build

        return build(session)

    return [] if too_deep(session) else [ToolServer("actors", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def contribute(session: Session) -> Iterable[Part]:
    """Who is at work, when a window opens in the middle of it (runtime.md 4.4)."""
    from .listing import at_work

    found = at_work(session)
    return [Part(f"# Subagents\nAs they stood when this window opened.\n{found}", RANK, "actors")] if found else []


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """A child has no tool that its parent's agent lacks, and leaves its worktree alone with what surrounds it."""
    if session.parent is None:
        return None
    from .bounding import ruling

    return ruling(call, session)


@hookimpl
async def shape_prompt(prompt: Prompt, session: Session) -> Prompt | None:
    """A child that begins with its parent's request asks where the provider has cached that one."""
    if session.parent is None:
        return None
    from .bounding import cached_with

    return cached_with(prompt, session)


@hookimpl
async def before_stop(session: Session) -> str | None:
    """A child reports as it was asked to; who cannot be woken up waits for those who work for it."""
    from .stopping import reason

    return await reason(session)


@hookimpl
async def on_event(event: Event, session: Session) -> None:
    """Watch the children; go on with them after a restart; end those in whose answer nobody is interested any more."""
    from ..children.team import INBOX
    from .following import interrupted, saw, taken_back, woken

    saw(event, session)
    if isinstance(event, TurnStarted) and (news := await woken(session)):
        await session.emit(MessageAdded(user(news, origin=INBOX)))
    elif isinstance(event, TurnEnded) and event.reason == "interrupted":
        interrupted(session)
    elif isinstance(event, Rewound):
        taken_back(session)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """No child outlives its parent's session."""
    try:
        yield
    finally:
        from ..children.team import team

        await team(session).close()


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/actors`."""
    from .listing import slash

    return [Command("actors", "Show the subagents of this conversation.", slash)]


@hookimpl(optionalhook=True)
async def show_work(session: Session) -> Iterable[tuple[int, str, str, float]]:
    """Every subagent, below the one that it works for."""
    from .listing import signs

    return signs(await session.host.store(), session)


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo agents`."""
    commands.add("agents", "Show the subagents of the last session, or of one, as a tree.", _list, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", nargs="?", default="", metavar="SESSION", help="default: the last one with any")
    parser.add_argument("--json", action="store_true")


async def _list(args: argparse.Namespace, host: Host) -> int:
    from .listing import run

    return await run(args, host)
