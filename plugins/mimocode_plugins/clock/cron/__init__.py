"""Says something to the agent at a time: the tool `cron`, `/loop`, `mimo cron`, `mimo serve`; hook `find_clock`.

What is due is said to an idle session of the project, or by `mimo serve` where none is open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import Command, Setting, ToolServer

if TYPE_CHECKING:
    from types import ModuleType

    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session

    from .times import Clock


@hookimpl
def register_hooks() -> ModuleType:
    """`find_clock`."""
    from . import hookspecs

    return hookspecs


@hookimpl(trylast=True)
async def find_clock() -> Clock:
    """The clock of the machine, unless somebody brings another."""
    from .times import SystemClock

    return SystemClock()


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `cron`."""
    return [Setting("cron", f"{__name__}.settings:Cron", {}, "How schedules are kept.")]


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo cron list|show|add|rename|remove|run`, `mimo serve`."""
    from . import cli

    cli.register(commands)


@hookimpl
async def register_commands() -> Iterable[Command]:
    """`/loop`, and `/loops` for those who know it by that name."""
    return [
        Command("loop", "say the same again and again while the session is open", _loop, "[SPAN] PROMPT | stop [ID]"),
        Command("loops", "list what is scheduled, or end a loop", _loops, "[cancel ID]"),
    ]


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `cron`."""
    if off(session.host):
        return []

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("cron", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Look at the clock while a person's session is open."""
    if session.parent is not None or session.host.options.get("headless") or not _wanted(session):
        yield
        return
    import asyncio

    from .beat import beat

    beating = asyncio.create_task(beat(session), name=f"cron {session.id}")
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Where nobody is there to ask, what needs a person's word is refused."""
    from mimocode.events import ApprovalAsked

    if isinstance(fact, ApprovalAsked) and session.host.options.get("scheduled"):
        from .alone import refuse

        await refuse(fact, session)


def _wanted(session: Session) -> bool:
    said = session.host.settings["cron"]
    on = said.get("enabled", True) if isinstance(said, dict) else said.enabled
    return bool(on) and not off(session.host)


def off(host: Host) -> bool:
    """Whether the environment switches the clock off: no tool, and nothing falls due (surface.md 4.2)."""
    said = host.environ.get
    return said("MIMOCODE_DISABLE_CRON", "").lower() in ("1", "true") or (
        said("MIMOCODE_EXPERIMENTAL_CRON", "").lower() in ("0", "false")
    )


async def _loop(arguments: str, session: Session) -> str | None:
    from .slash import loop

    return await loop(arguments, session)


async def _loops(arguments: str, session: Session) -> str | None:
    from .slash import loop

    return await loop(arguments or "list", session)
