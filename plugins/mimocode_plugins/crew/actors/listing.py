"""`mimo agents` and `/actors`: the tree of subagents, for people and for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError
from mimocode.state import replay
from mimocode_plugins.crew.assets import say

from ..children.roster import NOTES, Actor, line, roster
from ..children.team import team

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.ports import Store
    from mimocode.session import Session

LEDGER = 20
"""Subagents that a new window is told of (about 500 tokens, runtime.md 4.4)."""
DEEPEST = 8
"""A bound for logs that are not ours."""


def tree(store: Store, session: str, level: int = 0) -> Iterator[tuple[int, Actor]]:
    """The children of a session in order, each followed by its own."""
    notes = replay(store.read(session)).notes.get(NOTES, ())
    for actor in roster(notes).values():
        yield level, actor
        if actor.session and level < DEEPEST:
            yield from tree(store, actor.session, level + 1)


def at_work(session: Session) -> str:
    """Those from whom something is still to come, a line each: a report, or work that is not merged yet."""
    actors = [each for each in team(session).actors.values() if not each.over or each.place]
    lines = [f"{line(each)}{f', not merged yet: {each.place}' if each.place else ''}" for each in actors[-LEDGER:]]
    return "\n".join([*([f"{len(actors) - LEDGER} more; status lists them"] if len(actors) > LEDGER else []), *lines])


def shown(level: int, actor: Actor) -> dict[str, Any]:
    """One child for programs."""
    usage = actor.usage or {}
    tokens = int(usage.get("input", 0)) + int(usage.get("output", 0))
    return {
        "level": level,
        "id": actor.id,
        "session": actor.session,
        "agent": actor.order.agent,
        "description": actor.order.description,
        "context": actor.order.context,
        "task": actor.order.task,
        "background": actor.order.background,
        "state": actor.state,
        "why": actor.why,
        "summary": actor.summary,
        "worktree": actor.place,
        "began": actor.began,
        "ended": actor.ended,
        "tokens": tokens,
    }


def signs(store: Store, session: Session) -> list[tuple[int, str, str, float]]:
    """The tree with signs of life: of those at work for this session as it saw them, of others what the log has."""
    now, live = time.time() - time.monotonic(), team(session).live
    rows = []
    for level, actor in tree(store, session.id):
        mine = live.get(actor.id) if level == 0 else None
        beat = now + mine.watch.last if mine is not None else actor.ended or actor.began
        said, tail = actor.order.description or actor.order.prompt[:60], actor.why or actor.summary
        rows.append((level, actor.state, f"{actor.id} {said}{f' ({tail})' if tail else ''}", beat))
    return rows


async def run(args: argparse.Namespace, host: Host) -> int:
    """Print the tree."""
    store = await host.store()
    infos = store.sessions(str(host.directory))
    ids = [args.session] if args.session else [info.id for info in infos if not info.parent]
    if args.session and next(iter(store.read(args.session)), None) is None:
        raise UsageError(f"there is no session {args.session!r}; `mimo session list` shows those of this project")
    found = next((rows for id in ids if (rows := list(tree(store, id)))), [])
    if args.json:
        say(json.dumps([shown(level, actor) for level, actor in found], ensure_ascii=False, indent=1) + "\n")
    elif found:
        say("\n".join(_line(level, actor) for level, actor in found) + "\n")
    else:
        sys.stderr.write("No subagents here.\n")
    return 0


async def slash(arguments: str, session: Session) -> None:
    """`/actors`."""
    found = list(tree(await session.host.store(), session.id))
    working = len(team(session).live)
    head = (
        f"{len(found)} subagent{'s' * (len(found) != 1)}, {working} at work" if found else "There are no subagents yet."
    )
    await session.notice("actors", "\n".join([head, *(_line(level, actor) for level, actor in found)]))


def _line(level: int, actor: Actor) -> str:
    seconds = f", {actor.ended - actor.began:.0f} s" if actor.ended > actor.began > 0 else ""
    return "  " * level + line(actor) + seconds
