"""Workflows: Python scripts that put subagents to work in a fixed order, with a journal from which a run goes on.

The tool `workflow`, `mimo workflow list, run, resume, show, new`, `/workflow`, and `/team`, which is a shipped one.
"""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import Fact, MessageAdded, Rewound, TurnEnded, TurnStarted
from mimocode.hookspecs import hookimpl
from mimocode.messages import user
from mimocode.ports import Command, Setting, ToolServer

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `workflow`."""
    return [Setting("workflow", f"{__name__}.settings:Bounds", {}, "Limits of a workflow run.", needs_trust=True)]


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `workflow`, except to those whose agents would stand too deep."""
    from ..children.team import too_deep

    def open_() -> Any:
        from .server import build

        return build(session)

    return [] if too_deep(session) else [ToolServer("workflows", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def before_stop(session: Session) -> str | None:
    """Who cannot be woken up waits for the runs in the background."""
    from .runs import awaited

    return await awaited(session)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """What an interruption, an undo and a restart mean for runs."""
    from . import runs

    if isinstance(fact, TurnStarted) and session.state.window and (news := runs.cut_off(session)):
        await session.emit(MessageAdded(user(news, origin=runs.ORIGIN)))
    elif isinstance(fact, TurnEnded) and fact.reason == "interrupted":
        runs.interrupted(session)
    elif isinstance(fact, Rewound):
        runs.taken_back(session)


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/workflow` and `/team`."""
    from .slash import team, workflow

    return [
        Command("workflow", "Run a workflow in the background.", workflow, "[NAME words | resume ID | cancel]"),
        Command("team", "Have a change written, tested, reviewed and verified by four agents.", team, "<change>"),
    ]


@hookimpl(optionalhook=True)
async def load_asset(kind: str, name: str, host: Host) -> list[str] | None:
    """Say what is wrong with a workflow that was just written."""
    if kind != "workflow":
        return None
    from .sources import workflow

    workflow(host, name).read()
    return []


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """A run ends with the session that it belongs to; its journal stays."""
    yield
    from .runs import stop

    await stop(session)


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo workflow`."""
    commands.add("workflow list", "List workflows and the latest runs.", _list, _listed, ("ls",))
    commands.add("workflow run", "Run a workflow and print its result.", _run, _ran)
    commands.add("workflow resume", "Go on with a run: what had succeeded is not done again.", _resume, _resumed)
    commands.add("workflow show", "Print a workflow's script, or how a run went.", _show, _shown)
    commands.add("workflow new", "Write a new workflow and say where.", _new, _newly, ("create",))


def _listed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


async def _list(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import list_

    return await list_(chosen, host)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", "--model", default="", help="the model of agents that name none")
    parser.add_argument("--yolo", action="store_true", help="approve what would be asked")
    parser.add_argument("--json", action="store_true", help="print result and state as JSON")


def _ran(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")
    parser.add_argument("words", nargs="*", help="what the script gets as args['text']")
    parser.add_argument("--arg", action="append", default=[], metavar="NAME=VALUE", help="JSON, or text")
    _common(parser)


async def _run(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import run

    return await run(chosen, host)


def _resumed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", default="", help="default: the latest run that did not end well")
    _common(parser)


async def _resume(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import resume

    return await resume(chosen, host)


def _shown(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", help="a workflow's name or a run's id")


async def _show(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import show

    return await show(chosen, host)


def _newly(parser: argparse.ArgumentParser) -> None:
    from .cli import declare_new

    declare_new(parser)


async def _new(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import new

    return await new(chosen, host)
