"""`/dream`, `mimo dream`, and dreaming by itself."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from .. import keeping
from ..asking import apart, asker, small, usual
from ..idling import is_due
from ..ports import Memory
from . import hookspecs, night
from .night import PLUGIN, Night
from .settings import Dream

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session


def wishes(host: Host) -> Dream:
    """The settings."""
    said = host.settings["dream"]
    return said if isinstance(said, Dream) else Dream(**said)


async def memory_of(host: Host) -> Memory:
    """The project's memory.

    Raises:
        UsageError: no plugin keeps one.
    """
    if (memory := await host.hooks.first(hookspecs.open_memory, host=host)) is None:
        raise UsageError("nothing is remembered here: no plugin keeps a memory")
    return memory


async def slash(arguments: str, session: Session) -> None:
    """`/dream`: tidy now and show the difference; `/dream preview` only shows it; `/dream undo` takes it back."""
    memory = await memory_of(session.host)
    word = arguments.strip()
    if word == "undo":
        await session.notice(PLUGIN, f"taken back\n{night.undo(session.host, memory)}")
        return
    if word not in ("", "preview"):
        raise UsageError(f"there is no /dream {word}: say /dream, /dream preview or /dream undo")
    wanted, otherwise = wishes(session.host), session.model_ref or await usual(session.host)
    found = await night.dream(session.host, memory, asker(session, PLUGIN, wanted, otherwise))
    if not word:
        night.write(session.host, memory, found, time.time())
    await session.notice(PLUGIN, _told(found, done=not word, undo="/dream undo"))


def _told(found: Night, *, done: bool, undo: str) -> str:
    lines = [f"{keeping.looked_through(found.sessions)}: {found.counts}"]
    lines += [str(change) for change in found.changes]
    if found.diff:
        lines += ["", found.diff, "", f"{undo} takes it back" if done else "nothing was written"]
    if found.trouble:
        lines.append(f"only what needs no model was done: {found.trouble}")
    return "\n".join(lines)


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments of `mimo dream`."""
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    parser.add_argument("--since", default="", metavar="DATE", help='look at sessions since then: 2026-01-31, "all"')
    parser.add_argument("--no-model", action="store_true", help="do only what needs no model")
    parser.add_argument("--undo", action="store_true", help="put back what was there before the last dream")
    parser.add_argument("--force", action="store_true", help="with --undo: also when the memory changed since")


async def run(args: argparse.Namespace, host: Host) -> int:
    """`mimo dream`: the difference goes to stdout, what was done and why to stderr."""
    memory = await memory_of(host)
    if args.undo:
        sys.stdout.write(night.undo(host, memory, force=args.force) + "\n")
        return 0
    since = _since(args.since)
    model = "" if args.no_model else small(host, wishes(host).model) or await usual(host)
    if not model:
        found = await night.dream(host, memory, None, since)
    else:
        async with apart(host, PLUGIN) as session:
            found = await night.dream(host, memory, asker(session, PLUGIN, wishes(host), model), since)
    if not args.dry_run:
        night.write(host, memory, found, time.time())
    sys.stderr.write("".join(f"{change}\n" for change in found.changes))
    sys.stderr.write(f"only what needs no model was done: {found.trouble}\n" if found.trouble else "")
    sys.stderr.write(f"{keeping.looked_through(found.sessions)}: {found.counts}\n")
    sys.stdout.write(f"{found.diff}\n" if found.diff else "")
    return 0


def _since(text: str) -> float | None:
    if not text:
        return None
    if text == "all":
        return 0
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(f'--since {text}: write a date like 2026-01-31, or "all"') from None


async def due(session: Session) -> bool:
    """Whether the project's memory has not been tidied for so many days."""
    memory = await memory_of(session.host)
    if not memory.writable:
        return False
    state = keeping.load(night.place(session.host, memory))
    oldest = min((info.created for info in await memory.sessions()), default=0.0)
    return is_due(float(state.get("ran", 0)), oldest, wishes(session.host).interval_days)


async def by_itself(session: Session) -> None:
    """Tidy in the background, once, and say so."""
    memory = await memory_of(session.host)
    with keeping.alone(night.place(session.host, memory)) as mine:
        if not mine or not await due(session):
            return
        days = wishes(session.host).interval_days
        every = f"every {days:g} days; dream.auto: false switches it off"
        await session.notice(PLUGIN, f"tidying what is remembered of this project ({every})")
        found = await night.dream(session.host, memory, asker(session, PLUGIN, wishes(session.host)))
        night.write(session.host, memory, found, time.time())
        undo = "; /dream undo takes it back" if found.diff else ""
        await session.notice(PLUGIN, f"{found.counts}{undo}")
