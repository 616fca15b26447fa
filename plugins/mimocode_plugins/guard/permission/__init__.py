"""Rule on every call by the permission rules of defaults, agent, settings and approvals (surface.md 7).

The files of a project that is not trusted may tighten and never loosen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.messages import ToolCall
    from mimocode.ports import Command, Ruling, Setting
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `permission`, `tools` and `permission_timeout`."""
    from .settings import PERMISSION, TIMEOUT, TOOLS

    return PERMISSION, TOOLS, TIMEOUT


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo permissions list|test|remove`."""
    from . import cli

    cli.register(commands)


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/permissions` and `/permission-timeout`."""
    from .cli import SLASH

    return SLASH


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling:
    """The strictest rule about anything that the call touches."""
    from .looking import ruling as looking
    from .noting import note
    from .ruling import conclude, judge

    judged = judge(call, session)
    ruling = looking(call, session) or conclude(judged)
    await note(call, judged, ruling, session)
    return ruling


@hookimpl(optionalhook=True)
async def doubt_command(command: str) -> str | None:
    """Why a command is not to be run for a trial."""
    from .doubting import doubt

    return doubt(command)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Remember approvals; answer what nobody answers."""
    from . import remember, waiting

    await remember.watch(fact, session)
    waiting.watch(fact, session)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Stop the clocks when the session ends."""
    yield
    from . import waiting

    waiting.stop(session)
