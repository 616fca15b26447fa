"""Runs `/name arguments` in what the user says; offers the commands that are Markdown files.

A command of a plugin wins over a file of the same name, and a file over a skill.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.events import Fact, Noted, SessionStarted, TurnEnded, TurnStarted
from mimocode.hookspecs import hookimpl
from mimocode.ports import Command, Setting

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `command`."""
    doc = "Slash commands by name: a template, and what it runs with."
    return [Setting("command", f"{__name__}.settings:CommandTable", {}, doc, needs_trust=True)]


@hookimpl(trylast=True)
async def register_commands(host: Host) -> Iterable[Command]:
    """Those that are files, or stand in the settings."""
    from .running import command
    from .sources import templates

    return [command(template) for template in templates(host).found.values()]


@hookimpl
async def take_input(text: str, session: Session) -> str | bool | None:
    """Put in the command's words, or nothing if the command was all; other text, like a path, stays as it is."""
    if not text.startswith("/"):
        return None
    name, arguments = [*text[1:].split(maxsplit=1), "", ""][:2]
    command = (await session.host.commands()).get(name) if text[1:].startswith(name) else None
    if command is None:
        return None
    from .calling import called

    said = await called(command, arguments.rstrip(), session)
    if said is not None:  # what the agent hears now are the command's words: only the arguments are the user's
        await session.emit(Noted("command", {"name": name, "typed": arguments.strip()}))
    return True if said is None else said


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Give the word back to the agent that had it before a command; name files that were left out, once."""
    if isinstance(fact, TurnEnded):
        from .borrowed import give_back

        await give_back(session)
    elif isinstance(fact, SessionStarted | TurnStarted) and session.parent is None:
        from .sources import unsaid

        for line in unsaid(session.host):
            await session.notice("commands", line, "warning")


@hookimpl(optionalhook=True)
async def load_asset(kind: str, name: str, host: Host) -> list[str] | None:
    """Say what is wrong with a command that was just written."""
    if kind != "command":
        return None
    from .sources import templates

    read = templates(host)
    wrong = [line for line in read.problems if f"/{name}.md" in line]
    return wrong if wrong or name in read.found else [f"there is no command {name!r}"]


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo command list`, `new`, `show`."""
    commands.add("command list", "List the slash commands and where they come from.", _list, _listed, ("ls",))
    commands.add("command new", "Write a new slash command and say where.", _new, _newly, ("create",))
    commands.add("command show", "Print a slash command's file.", _show, _shown)


def _listed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")


async def _list(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import list_

    return await list_(chosen, host)


def _newly(parser: argparse.ArgumentParser) -> None:
    from .cli import declare_new

    declare_new(parser)


async def _new(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import new

    return await new(chosen, host)


def _shown(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name")


async def _show(chosen: argparse.Namespace, host: Host) -> int:
    from .cli import show

    return await show(chosen, host)
