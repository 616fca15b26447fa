"""Turns work that keeps coming back into skills, agents, commands and workflows: `/distill`, `mimo distill`.

Found in the log by counting, never by a model; a model may find the words for it. Looked for every thirty days, tried
in the sandbox, proposed with its evidence, written when the user says so.
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

    from ..idling import Work


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
    from ..idling import at_idle

    async with at_idle(session, "distill", 3, _running):
        yield


def _running() -> Work:
    from . import running

    return running


def _arguments(parser: argparse.ArgumentParser) -> None:
    _running().declare(parser)


async def _run(args: argparse.Namespace, host: Host) -> int:
    return await _running().run(args, host)


async def _slash(arguments: str, session: Session) -> None:
    from ..attending import attended

    await attended(session, "distill", _running().slash(arguments, session))
