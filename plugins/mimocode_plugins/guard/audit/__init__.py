"""`mimo audit SESSION`: what a session did to the world, who allowed it by which rule, and that the log is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add the command."""
    commands.add("audit", "what a session ran, changed, installed and reached, and who allowed it", _audit, _arguments)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", metavar="SESSION", nargs="?", default="last", help='an id, its beginning, or "last"')
    parser.add_argument("--json", action="store_true", help="one JSON object per act")


async def _audit(args: argparse.Namespace, host: Host) -> int:
    from .report import audit

    return audit(await host.store(), host.root, args.session, as_json=args.json)
