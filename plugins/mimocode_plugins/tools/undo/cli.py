"""`mimo undo`, `mimo redo`, `mimo revert`: say what would change, ask a person, do it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from mimocode.errors import UsageError

from .asked import listed, wish
from .plan import Choice

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import SessionInfo


async def undo(args: argparse.Namespace, host: Host) -> int:
    """Take back the last turns of a session."""
    if args.turns < 1:
        raise UsageError("--turns counts from 1")
    return await _do("undo", args, host, turns=args.turns)


async def redo(args: argparse.Namespace, host: Host) -> int:
    """Put back what was taken last."""
    return await _do("redo", args, host)


async def revert(args: argparse.Namespace, host: Host) -> int:
    """Take back a message and all after it, or list the messages."""
    if args.message is not None:
        return await _do("revert", args, host, number=args.message)
    async with host.open(_found((await host.store()).sessions(), args.session, host.root)) as session:
        sys.stdout.writelines(f"{line}\n" for line in await listed(session))
    return 0


async def _do(what: str, args: argparse.Namespace, host: Host, turns: int = 1, number: int = 0) -> int:
    choice: Choice = "force" if args.force else "keep" if args.keep else ""
    async with host.open(_found((await host.store()).sessions(), args.session, host.root)) as session:
        found = await wish(what, session, turns, number)
        sys.stdout.writelines(f"{line}\n" for line in found.lines(session, args.diff))
        sys.stdout.flush()
        if args.preview:
            return 0
        if not args.yes and sys.stdin.isatty() and not await _agreed():
            sys.stderr.write("Nothing was changed.\n")
            return 1
        await found.grant(session, choice)
    sys.stderr.write("Done.\n" if what == "redo" else f"Done; `mimo redo {session.id}` puts it back.\n")
    return 0


async def _agreed() -> bool:
    sys.stderr.write("Go ahead? [y/N] ")
    sys.stderr.flush()
    return (await to_thread.run_sync(sys.stdin.readline)).strip().lower() in ("y", "yes")


def _found(infos: list[SessionInfo], wanted: str, root: Path) -> str:
    """The one session that is meant.

    Raises:
        UsageError: there is none, or there are several.
    """
    if wanted == "last":
        here = [info for info in infos if not info.parent and Path(info.directory).is_relative_to(root)]
        if not here:
            raise UsageError(f"there is no session in {root} yet")
        return here[0].id
    begin = [info.id for info in infos if wanted and info.id.startswith(wanted)]
    exact = [id for id in begin if id == wanted] or begin
    if len(exact) != 1:
        why = "is the beginning of several sessions; write more of it" if exact else "is no session"
        raise UsageError(f"{wanted!r} {why}; `mimo session list` shows those of this project")
    return exact[0]
