"""Tidies what is remembered of a project: `/dream`, `mimo dream`, and by itself every seven days.

The first half needs no model: doubles, secrets, planted instructions, paths that are gone. Hook `open_memory`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import Command, Setting

if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session


@hookimpl
def register_hooks() -> ModuleType:
    """`open_memory`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `dream`."""
    return [Setting("dream", f"{__name__}.settings:Dream", {}, "Tidying the memory from time to time.")]


@hookimpl
async def register_commands() -> Iterable[Command]:
    """`/dream`."""
    return [Command("dream", "tidy what is remembered of this project", _slash, "[preview|undo]")]


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo dream`."""
    commands.add("dream", "Tidy what is remembered of this project", _run, _arguments)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Tidy by itself when it is time and nobody is at work."""
    said = session.host.settings["dream"]
    auto = said.get("auto") if isinstance(said, dict) else said.auto
    if session.parent is not None or session.host.options.get("headless") or auto is False:
        yield
        await _give_up(session)
        return
    import asyncio

    from ..idling import when_idle

    minutes = said.get("idle_minutes", 2) if isinstance(said, dict) else said.idle_minutes
    work = when_idle(session, minutes, lambda: _due(session), lambda: _by_itself(session))
    waiting = asyncio.create_task(work, name=f"dream {session.id}")
    try:
        yield
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
        await _give_up(session)


def _arguments(parser: argparse.ArgumentParser) -> None:
    from .running import declare

    declare(parser)


async def _run(args: argparse.Namespace, host: Host) -> int:
    from .running import run

    return await run(args, host)


async def _slash(arguments: str, session: Session) -> None:
    from ..attending import attended
    from .running import slash

    await attended(session, "dream", slash(arguments, session))


async def _due(session: Session) -> bool:
    from .running import due

    return await due(session)


async def _by_itself(session: Session) -> None:
    from .running import by_itself

    await by_itself(session)


async def _give_up(session: Session) -> None:
    from ..attending import give_up

    await give_up(session, "dream")
