"""`mimo demo`: the real loop and the real tools fix a real bug, with a scripted model and no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo demo`."""
    commands.add("demo", "See it work: a scripted model fixes a bug in a temporary project", _run, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fast", action="store_true", help="do not type at the speed of a model")
    parser.add_argument("--keep", action="store_true", help="leave the project in place to look at")


async def _run(args: argparse.Namespace, host: Host) -> int:
    from .command import run

    return await run(args, host)
