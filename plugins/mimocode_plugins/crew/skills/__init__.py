"""Skills: procedures and knowledge in SKILL.md files that the agent or the user brings in when they are needed.

A skill never gives permissions. What lies in a project that is not trusted is not read, and nothing in it runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import Fact, SessionStarted, TurnStarted
from mimocode.hookspecs import hookimpl
from mimocode.messages import Part, ToolCall
from mimocode.ports import Command, Ruling, Setting, ToolServer

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session

RANK = 55


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `skills`."""
    return [
        Setting(
            "skills", f"{__name__}.settings:Skills", {}, "More folders and addresses with skills.", needs_trust=True
        )
    ]


@hookimpl
async def contribute(session: Session) -> Iterable[Part]:
    """The catalogue: names and descriptions, within a budget."""
    from .catalogue import catalogue
    from .permit import permitted
    from .shelf import shelf
    from .urls import first_time

    await first_time(session.host)
    text = catalogue(await permitted(shelf(session.host).offered(), session))
    return [Part(text, RANK, "skills")] if text else []


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `skill` and `skill_search`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("skills", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl(trylast=True)
async def register_commands(host: Host) -> Iterable[Command]:
    """`/skill-name` for each skill, and `/skills`. Commands of the same name win."""
    from .slash import commands

    return commands(host)


@hookimpl(optionalhook=True)
def offer_mentions(host: Host) -> Iterable[tuple[str, str]]:
    """`/skill-name` in the middle of a text: the agent knows the names and loads what is named."""
    from .shelf import shelf

    return [(f"/{name}", one.description) for name, one in sorted(shelf(host).skills.items()) if one.for_users]


@hookimpl
async def take_input(text: str, session: Session) -> str | None:
    """Bring along two or more skills that the user mentions; what begins with a command is the command's."""
    wanted = getattr(session.host.settings["skills"], "mentions", True)
    if text.startswith("/") or session.parent is not None or not wanted:
        return None
    from .mentions import mentioned

    return await mentioned(text, session)


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """Nothing that lies in the skill folders of an untrusted project runs."""
    from .permit import untrusted_script

    return untrusted_script(call, session)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Name what was left out, once."""
    from .shelf import shelf

    if isinstance(fact, SessionStarted | TurnStarted) and session.parent is None:
        for line in shelf(session.host).unsaid():
            await session.notice("skills", line, "warning")


@hookimpl(optionalhook=True)
async def load_asset(kind: str, name: str, host: Host) -> list[str] | None:
    """Say what is wrong with a skill that was just written."""
    if kind != "skill":
        return None
    from .cli import wrong
    from .shelf import shelf

    return wrong(name, shelf(host))


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo skill list`, `new`, `validate`, `show`."""
    commands.add("skill list", "List the skills: what each is for and where it comes from.", _list, _listed, ("ls",))
    commands.add("skill new", "Write a new skill and say where.", _new, _newly, ("create",))
    commands.add("skill validate", "Say what is wrong with skills.", _validate, _validated)
    commands.add("skill show", "Print a skill as the agent gets it.", _show, _shown)


def _listed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--refresh", action="store_true", help="fetch the addresses of skills.urls anew")


async def _list(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import list_

    return await list_(chosen, host)


def _newly(parser: argparse.ArgumentParser) -> None:
    from mimocode_plugins.crew.authoring import declare

    declare(parser)


async def _new(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import new

    return await new(chosen, host)


def _validated(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="NAME|FOLDER", help="default: all")


async def _validate(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import validate

    return await validate(chosen, host)


def _shown(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")


async def _show(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import show

    return await show(chosen, host)
