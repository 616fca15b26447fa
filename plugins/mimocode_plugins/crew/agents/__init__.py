"""Offers the agents that ship, the user's and the project's own, and the ones of settings.

Later sources change earlier ones field by field: shipped, ~/.claude, the user's folder, the project from its root
down, then the settings `mode` and `agent`. What a project says that is not trusted can only tighten.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.events import Fact, SessionStarted, TurnStarted
from mimocode.hookspecs import hookimpl
from mimocode.ports import Agent, Setting

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """`agent`, its older spelling `mode`, and which agent answers first."""
    table = f"{__name__}.settings:AgentTable"
    agent = "Agents by name: new ones, or changes to those that exist, field by field."
    mode = "Older spelling of `agent` for primary agents."
    first = "The agent that answers in a new session, a primary one; unset: build."
    return [
        Setting("agent", table, None, agent, needs_trust=True),
        Setting("mode", table, None, mode, needs_trust=True),
        Setting("default_agent", str, "", first),
    ]


@hookimpl
async def register_agents(host: Host) -> Iterable[Agent]:
    """All agents, the default one first."""
    from .definition import agents
    from .sources import layers

    found, problems = layers(host)
    return agents(found, problems, host)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Name what was left out or passed on unread, once."""
    from .sources import unsaid

    if isinstance(fact, SessionStarted | TurnStarted) and session.parent is None:
        for line in unsaid(session.host):
            await session.notice("agents", line, "warning")


@hookimpl(optionalhook=True)
async def load_asset(kind: str, name: str, host: Host) -> list[str] | None:
    """Say what is wrong with an agent that was just written."""
    if kind != "agent":
        return None
    from .writing import wrong

    return await wrong([name], host)


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo agent list`, `create`, `show`, `validate`."""
    commands.add("agent list", "List the agents: who they are and where they come from.", _list, _listed, ("ls",))
    commands.add("agent create", "Write a new agent and say where.", _create, _created, ("new",))
    commands.add("agent show", "Print an agent: what it may do, and its prompt.", _show, _named)
    commands.add("agent validate", "Say what is wrong with agent files.", _validate, _named_or_all)


def _listed(parser: argparse.ArgumentParser) -> None:
    from .listing import arguments

    arguments(parser)


async def _list(chosen: argparse.Namespace, host: Host) -> int:
    from .listing import run

    return await run(chosen, host)


def _created(parser: argparse.ArgumentParser) -> None:
    from .writing import create_arguments

    create_arguments(parser)


async def _create(chosen: argparse.Namespace, host: Host) -> int:
    from .writing import create

    return await create(chosen, host)


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")


def _named_or_all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="*", help="default: all")


async def _show(chosen: argparse.Namespace, host: Host) -> int:
    from .writing import show

    return await show(chosen, host)


async def _validate(chosen: argparse.Namespace, host: Host) -> int:
    from .writing import validate

    return await validate(chosen, host)
