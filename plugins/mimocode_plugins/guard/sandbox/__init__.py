"""Runs commands in a sandbox: the project is writable, keys are out of sight, the network is off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import Command, Setting

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.messages import ToolCall
    from mimocode.ports import ToolResult
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """`sandbox`: what commands may reach."""
    shape = "mimocode_plugins.guard.sandbox.settings:SandboxSettings"
    return [Setting("sandbox", shape, None, "What commands may reach: the sandbox they run in.", needs_trust=True)]


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo sandbox`."""
    from . import cli

    cli.register(commands)


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/sandbox`."""
    return [Command("sandbox", "what holds commands back; switch it off or on for this session", _slash, "[on|off]")]


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Look what this machine can do before the first command; leave no temporary files behind."""
    if session.parent is not None:
        yield
        return
    from .box import BOX, open_box
    from .programs import release

    open_box(session)
    try:
        yield
    finally:
        release(session.host, session.id)
        await session.stash[BOX].close()


@hookimpl(optionalhook=True, trylast=True)
async def wrap_command(argv: Sequence[str], directory: Path, session: Session, terminal: bool) -> Sequence[str] | None:
    """Put the sandbox around a command."""
    from .box import wrapped

    return await wrapped(argv, directory, session, terminal)


@hookimpl(optionalhook=True)
async def confine_trial(argv: Sequence[str], directory: Path, scratch: Path, host: Host) -> Sequence[str] | None:
    """Put the sandbox around a command that is only tried, on a copy of the project."""
    from .trying import confined

    return confined(argv, directory, scratch, host)


@hookimpl(optionalhook=True)
async def confine_program(argv: Sequence[str], scratch: Path, host: Host) -> Sequence[str] | None:
    """Put the sandbox around a program of ours that lies where commands may write."""
    from .trying import held

    return held(argv, scratch, host)


@hookimpl(optionalhook=True)
async def check_health(host: Host) -> list[tuple[str, str, str, str]]:
    """For `mimo doctor`: what holds commands here, tried anew."""
    import asyncio

    from .commands import health

    return await asyncio.to_thread(health, host)


@hookimpl
async def shape_result(result: ToolResult, call: ToolCall, session: Session) -> ToolResult | None:
    """Put back what no command may change, and tell the model when it may be the sandbox that a command failed at."""
    from .telling import explained

    return explained(result, call, session)


async def _slash(arguments: str, session: Session) -> None:
    from .commands import slash

    await slash(arguments, session)
