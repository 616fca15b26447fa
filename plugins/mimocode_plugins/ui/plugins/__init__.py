"""`mimo plugins`: who joins in where, what each has cost so far, and what it adds to every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo plugins`."""
    commands.add("plugins", "List the plugins: where they join in, their time, their tokens", _run, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=["default", "json"], default="default", help="text, or one JSON document")


async def _run(args: argparse.Namespace, host: Host) -> int:
    from .report import run

    return await run(args, host)
