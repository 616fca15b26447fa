"""Takes back what an agent did, files and conversation together: `/undo`, `/redo`, `/revert`, `mimo undo`.

Before a tool changes a file, the file as it is goes into a journal: content in `<data>/undo`, names in the log. What a
command changes is found by looking at the project before and after it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mimocode.events import CallFinished, CallStarted
from mimocode.hookspecs import hookimpl
from mimocode.ports import Command, Setting

if TYPE_CHECKING:
    import argparse

    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `snapshot`."""
    return [Setting("snapshot", bool, True, "Whether files are kept as they were before, for undo.")]


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """What a killed process left half done is finished first; what is too old to be taken back goes, in the end."""
    if session.state.seq > 1:
        from .repair import repair

        await repair(session)
    yield
    if session.parent is None and (session.host.paths.data / "undo").exists():
        from .blobs import Blobs

        Blobs(session.host.paths.data / "undo").collect()


@hookimpl(trylast=True)  # others may put a file in order after a call: that is part of what it did
async def on_event(fact: Fact, session: Session) -> None:
    """Keep files as they are before a call runs, and note what became of them when it has."""
    if isinstance(fact, CallStarted):
        from .journal import before

        await before(session, fact.call_id)
    elif isinstance(fact, CallFinished):
        from .journal import after

        await after(session, fact.call_id)


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/undo`, `/redo`, `/revert`."""
    from . import commands

    how = "[preview|diff|force|keep]"
    return [
        Command("undo", "take the last turn back, files included", commands.undo, how),
        Command("redo", "put back what /undo or /revert took", commands.redo, how),
        Command("revert", "take back a message and all after it", commands.revert, f"[number] {how}"),
    ]


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo undo`, `mimo redo`, `mimo revert`."""
    commands.add("undo", "take back the last turn of a session, files included", _later("undo"), _undo)
    commands.add("redo", "put back what undo or revert took", _later("redo"), _arguments)
    commands.add("revert", "take back a message of a session and all after it", _later("revert"), _revert)


def _later(name: str) -> Any:
    async def run(args: argparse.Namespace, host: Host) -> int:
        from . import cli

        done: int = await getattr(cli, name)(args, host)
        return done

    return run


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", nargs="?", default="last", help='an id, its beginning, or "last"')
    parser.add_argument("--preview", action="store_true", help="only say what would change")
    parser.add_argument("--diff", action="store_true", help="show the changes line by line")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    others = parser.add_mutually_exclusive_group()
    others.add_argument("--keep", action="store_true", help="leave files alone that somebody else changed since")
    others.add_argument("--force", action="store_true", help="put those back, too (redo brings the change back)")


def _undo(parser: argparse.ArgumentParser) -> None:
    _arguments(parser)
    parser.add_argument("-n", "--turns", type=int, default=1, metavar="N", help="how many turns (1)")


def _revert(parser: argparse.ArgumentParser) -> None:
    _arguments(parser)
    parser.add_argument(
        "message", metavar="MESSAGE", nargs="?", type=int, help="its number; without one they are listed"
    )
