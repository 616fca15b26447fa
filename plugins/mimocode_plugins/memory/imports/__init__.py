"""Takes in what other agents remember: `mimo session import-claude`, `import-mimocode`, `mimo memory import`.

Nothing is overwritten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add the commands; what they do is loaded when one of them runs."""
    commands.add("session import-claude", "take in Claude Code's transcripts of this project", _sessions, _paths)
    commands.add("session import-mimocode", "take in the sessions of the original MiMo Code", _originals, _database)
    commands.add("memory import", "take in the memory of Claude Code or of the original MiMo Code", _memory, _folder)


def _paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="transcripts (.jsonl) or folders of them")
    parser.add_argument("--all", action="store_true", help="those of every project")


def _database(parser: argparse.ArgumentParser) -> None:
    what = "its mimocode.db, or the folder that holds it; default: ours, else ~/.local/share/mimocode"
    parser.add_argument("path", nargs="?", metavar="PATH", help=what)
    parser.add_argument("--all", action="store_true", help="the sessions of every project")
    parser.add_argument("-n", "--dry-run", action="store_true", help="say what would be taken in, and take nothing")


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="a data folder of MiMo Code; default: ~/.claude")


async def _sessions(args: argparse.Namespace, host: Host) -> int:
    from .transcripts import run

    return await run(args, host)


async def _originals(args: argparse.Namespace, host: Host) -> int:
    from .original import run

    return await run(args, host)


async def _memory(args: argparse.Namespace, host: Host) -> int:
    from .memories import run

    return await run(args, host)
