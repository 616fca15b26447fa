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

    from ..idling import Work


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
    from ..idling import at_idle

    async with at_idle(session, "dream", 2, _running):
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

    await attended(session, "dream", _running().slash(arguments, session))
