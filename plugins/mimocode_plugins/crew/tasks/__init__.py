"""Keeps the tree of tasks: the tool `task`, `mimo tasks`, and a word to the agent before it stops too early."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import Fact, Noted
from mimocode.hookspecs import hookimpl
from mimocode.messages import Part
from mimocode.ports import ToolServer

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session

RANK = 60
LEDGER = 6_000
"""Characters of what a new window is told of the tasks (2,000 tokens, runtime.md 4.4)."""


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `task`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("tasks", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def contribute(session: Session) -> Iterable[Part]:
    """What is still to be done, when a window opens in the middle of it."""
    from . import tree
    from .book import tasks

    left = tree.lines(tree.chosen(tasks(session), {}), LEDGER)
    return [Part(f"# Tasks\nAs the task tool had them when this window opened.\n{left}", RANK, "tasks")] if left else []


@hookimpl
async def before_stop(session: Session) -> str | None:
    """An agent with unfinished tasks of its own is sent back, once per turn (a subagent twice)."""
    from .book import gate

    return await gate(session)


@hookimpl(optionalhook=True)
def show_work(session: Session) -> Iterable[tuple[int, str, str, float]]:
    """Every task of the tree."""
    from .book import tasks
    from .tree import chosen

    found = chosen(tasks(session), {"include_terminal": True})
    return [(task.depth, task.status, f"{task.id} {task.summary}", task.changed) for task in found]


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """A task that a subagent was given goes where the subagent goes."""
    if isinstance(fact, Noted) and fact.plugin == "actors":
        from .binding import follow

        await follow(fact.data, session)


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo tasks`."""
    commands.add("tasks", "list the tasks of the last session, or of one", _list, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", nargs="?", default="", metavar="SESSION", help="default: the last one with tasks")
    parser.add_argument("--all", action="store_true", help="finished and abandoned ones too")
    parser.add_argument("--json", action="store_true")


async def _list(args: argparse.Namespace, host: Host) -> int:
    from .listing import run

    return await run(args, host)
