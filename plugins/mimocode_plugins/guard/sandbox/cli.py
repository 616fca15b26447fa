"""`mimo sandbox`: its arguments; what it does is loaded when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands


def register(commands: Commands) -> None:
    """Add `mimo sandbox`."""
    commands.add("sandbox", "what holds commands back here, tried anew; or run a command in it", _sandbox, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--look-only", action="store_true", help="as for agents that only look: the project read-only")
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="a shell command to run inside, best in quotes")


async def _sandbox(args: argparse.Namespace, host: Host) -> int:
    from .commands import run, show

    return await (run(" ".join(args.command), args.look_only, host) if args.command else show(host))
