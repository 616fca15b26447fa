"""Takes over what Claude Code, Codex and OpenCode left on this machine: `mimo auth import`. Nothing is overwritten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands

    from ..ways import Way


@hookimpl(optionalhook=True)
async def ways_in(host: Host) -> list[Way]:
    """The import from Claude Code."""
    import asyncio

    from ..ways import Way
    from .way import hint, run

    found = await asyncio.to_thread(hint, host)
    return [Way("claude", "Import from Claude Code", 20 if found else 55, run, found)]


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo auth import claude | codex | opencode`."""
    commands.add("auth import", "take over keys and settings of another agent", _import, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", choices=["claude", "codex", "opencode"], help="whose files to look at")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--dry-run", action="store_true", help="only show what would be taken")
    choice.add_argument("--yes", action="store_true", help="take what is shown without asking")
    choice.add_argument("--undo", action="store_true", help="take back what was imported and not changed since")
    parser.add_argument("--history", choices=["none", "project", "all"], default="project", help="transcripts to take")
    parser.add_argument("--run-helper", action="store_true", help="run apiKeyHelper, which is shown before")


async def _import(args: argparse.Namespace, host: Host) -> int:
    from .command import run

    return await run(args, host)
