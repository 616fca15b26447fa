"""The first start: `mimo setup` leads to a model that works; a model that nobody chose is named when it is taken."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse
    from types import ModuleType

    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session

    from ..wizard.asking import Asking


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `ways_in`."""
    from ..wizard import hookspecs

    return hookspecs


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo setup`."""
    commands.add("setup", "get a model that works: log in, import, enter a key, find a local server", _run, _arguments)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Say which model was taken when nobody chose one."""
    from .choice import announce

    await announce(session)
    yield


@hookimpl(optionalhook=True)
async def find_person(host: Host) -> Asking | None:
    """Who sits at this terminal can be asked, by `mimo mcp add` for one."""
    import sys

    from ..wizard.asking import Asking

    return Asking() if sys.stdin.isatty() and sys.stderr.isatty() else None


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("way", nargs="?", default="", metavar="WAY", help="take this way without the menu")
    parser.add_argument("--list", action="store_true", help="only list the ways there are")
    parser.add_argument("--check", action="store_true", help="only try the model that new sessions get")


async def _run(args: argparse.Namespace, host: Host) -> int:
    from .command import run

    return await run(args, host)
