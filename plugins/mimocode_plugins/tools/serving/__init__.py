"""`mimo mcp serve`: our tools for other agents, over stdio or HTTP on this machine, under the same guards and log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.ports import StashKey

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from mimocode.events import Event
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.session import Session

    Reports = dict[str, Callable[[str], Awaitable[None]]]

SERVING: StashKey[Reports] = StashKey("serving")
"""In a session whose calls come from outside, where nobody can approve anything: who hears of their progress."""
REFUSED = "nobody is there to approve it; a rule in the settings of `mimo` can allow it"


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo mcp serve`."""
    commands.add("mcp serve", "offer our tools to other agents", _serve, _arguments)


@hookimpl
async def on_event(event: Event, session: Session) -> None:
    """Refuse what would have to be asked; pass on what a tool says while it works."""
    if (reports := session.stash.get(SERVING)) is None:
        return
    from mimocode.events import ApprovalAsked, Approve, ToolProgress

    if isinstance(event, ToolProgress) and (report := reports.get(event.call_id)):
        await report(event.text)
    if isinstance(event, ApprovalAsked):
        why = event.reason.rstrip(".")
        await session.submit(Approve(event.call.id, False, f"{why}; {REFUSED}" if why else REFUSED))


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="servers or tools; default: all of ours")
    parser.add_argument("--http", type=int, metavar="PORT", help="on this port of this machine (0: any), with a token")


async def _serve(args: argparse.Namespace, host: Host) -> int:
    from .server import serve

    async with host.open(title="mcp serve") as session:
        session.stash[SERVING] = {}
        return await serve(session, args.names, args.http)
