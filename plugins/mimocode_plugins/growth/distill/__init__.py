"""Turns work that keeps coming back into skills, agents, commands and workflows: `/distill`, `mimo distill`.

Found in the log by counting, never by a model, looked for every thirty days; tried in the sandbox, proposed with its
evidence, written when the user says so.
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
    """`open_past`, `load_asset`, `doubt_command`, `confine_trial`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `distill`."""
    return [
        Setting("distill", f"{__name__}.settings:Distill", {}, "Turning repeated work into skills from time to time.")
    ]


@hookimpl
async def register_commands() -> Iterable[Command]:
    """`/distill`."""
    return [Command("distill", "Write down work that keeps coming back", _slash, "[keep NAME]")]


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo distill`."""
    commands.add("distill", "Write down work that keeps coming back", _run, _arguments)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Look by itself when it is time and nobody is at work."""
    said = session.host.settings["distill"]
    auto = said.get("auto") if isinstance(said, dict) else said.auto
    if session.parent is not None or session.host.options.get("headless") or auto is False:
        yield
        await _give_up(session)
        return
    import asyncio

    from ..idling import when_idle

    minutes = said.get("idle_minutes", 3) if isinstance(said, dict) else said.idle_minutes
    work = when_idle(session, minutes, lambda: _due(session), lambda: _by_itself(session))
    waiting = asyncio.create_task(work, name=f"distill {session.id}")
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

    await attended(session, "distill", slash(arguments, session))


async def _due(session: Session) -> bool:
    from .running import due

    return await due(session)


async def _by_itself(session: Session) -> None:
    from .running import by_itself

    await by_itself(session)


async def _give_up(session: Session) -> None:
    from ..attending import give_up

    await give_up(session, "distill")
