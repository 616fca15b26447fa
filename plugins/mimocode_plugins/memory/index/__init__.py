"""Finds what is remembered: an index beside the files, the tools `memory` and `history`, and `/memory`.

The index is `<data>/memory.db`. Writes and a watch over the files keep it up to date, and it can be deleted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mimocode.events import Noted, Rewound
from mimocode.hookspecs import hookimpl
from mimocode.messages import ToolCall
from mimocode.ports import Command, Ruling, StashKey, ToolServer, Verdict

if TYPE_CHECKING:
    import argparse

    from mimocode.events import Fact
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session

    from .watching import Watch

TOOL = "memory"
OPEN: StashKey[set[str]] = StashKey("memory.sessions")
"""The sessions of a host that are open."""
WATCH: StashKey[Watch] = StashKey("memory.index")
"""The index of a host, once somebody asked for it."""


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `find_alike`: somebody who knows what means the same."""
    from . import hookspecs

    return hookspecs


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `memory` and `history`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("memory", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """Only a person may confirm an item, or forget one that somebody stands for."""
    spec = session.toolbox.specs.get(call.name)
    if call.name != TOOL or spec is None or spec.server != "memory":
        return None
    operation = call.arguments.get("operation")
    if operation not in ("confirm", "forget"):
        return None
    from ..layout import ready
    from .asking import question

    await ready(session.host)
    asked = question(operation, str(call.arguments.get("id", "")), session)
    return Ruling(Verdict.ASK, asked, forced=True) if asked else None


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """The index closes with the last session of the host."""
    from .undo import KNOWN

    session.stash[KNOWN] = list(session.state.notes.get("memory", ()))
    session.host.stash.setdefault(OPEN, set()).add(session.id)
    try:
        yield
    finally:
        session.host.stash[OPEN].discard(session.id)
        if not session.host.stash[OPEN]:
            from .desk import close

            await close(session.host)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """What was remembered goes back and forth with the log; the index hears what may have been written."""
    if isinstance(fact, Rewound) or (isinstance(fact, Noted) and fact.plugin == "memory"):
        from ..layout import ready
        from .undo import follow

        await ready(session.host)
        follow(session)
    if WATCH in session.host.stash:
        session.host.stash[WATCH].hear(fact, session)


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/memory`."""

    async def run(arguments: str, session: Session) -> None:
        from .commands import slash

        await slash(arguments, session)

    return [
        Command("memory", "what is remembered, why, and your say in it", run, "[list|why|confirm|forget|edit|search]")
    ]


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo memory ...`."""
    commands.add("memory list", "list what is remembered here", _later("list_"), _listing, aliases=["ls"])
    commands.add("memory search", "search what is remembered", _later("search"), _searching)
    commands.add("memory show", "print an item with its evidence, or a memory file", _later("show"), _what)
    commands.add("memory confirm", "stand for an item: later sessions go by it", _later("confirm"), _one)
    commands.add("memory forget", "take an item out", _later("forget"), _one, aliases=["rm"])
    commands.add(
        "memory why", "what the latest session began with and why, or why an item is there", _later("why"), _maybe
    )
    commands.add("memory edit", "open MEMORY.md in your editor", _later("edit"), _scoped)
    commands.add("memory stats", "how much is remembered, and what the index takes", _later("stats"))
    commands.add("memory doctor", "look for what is wrong with files and index", _later("doctor"))
    commands.add("memory eval", "try the search on questions of your own", _later("eval_"), _evaluating)


def _later(name: str) -> Any:
    async def run(args: argparse.Namespace, host: Host) -> int:
        from . import commands

        done: int = await getattr(commands, name)(args, host)
        return done

    return run


def _listing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scope", choices=["project", "global"])
    parser.add_argument("--json", action="store_true")


def _searching(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="WORD")
    parser.add_argument("--scope", choices=["session", "project", "global"])
    parser.add_argument("-n", "--limit", type=int, default=10, metavar="N")
    parser.add_argument("--all", action="store_true", help="other projects too")


def _what(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="ID|PATH")


def _one(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID")


def _evaluating(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--corpus", required=True, metavar="FILE", help='JSON lines {"id", "parent", "time", "text"}')
    parser.add_argument("--queries", required=True, metavar="FILE", help='JSON lines {"id", "text"}')
    parser.add_argument("-k", type=int, default=20, metavar="N", help="hits per question (20)")
    parser.add_argument("--out", required=True, metavar="FILE", help='JSON lines {"id", "hits", "ms"}')


def _maybe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", default="")


def _scoped(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scope", nargs="?", choices=["project", "global"], default="project")
