"""Which session is held next."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from ..which import latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mimocode.events import Entry
    from mimocode.host import Host

SHOWN_TURNS = 3
"""Turns of a resumed session that are shown again."""


@dataclass(frozen=True)
class Seat:
    """A session to open: a new one, one by its id, or a copy of another."""

    id: str = ""
    fork: str = ""
    agent: str = ""
    model: str = ""
    to: int = 0
    """With `fork`: nothing after this fact of the original counts in the copy."""
    known: bool = False
    """The user just sat there: what was said stands on the screen."""


async def first_seat(args: argparse.Namespace, host: Host) -> Seat:
    """What the command line asks for.

    Raises:
        UsageError: it makes no sense.
    """
    wanted = args.session or (await latest(host) if args.continue_ else "")
    if args.fork and not wanted:
        raise UsageError("--fork copies a session: say which with --session ID, or --continue for the latest.")
    if args.agent and (await host.agent(args.agent)).mode == "subagent":
        raise UsageError(f"{args.agent} is an agent for other agents: choose a primary one with --agent.")
    own, copied = ("", wanted) if args.fork else (wanted, "")
    return Seat(own, copied, args.agent, args.model)


def standing(entries: Iterable[Entry]) -> list[Entry]:
    """The facts that still count: what was taken back is left out."""
    from mimocode.events import Rewound

    kept: list[Entry] = []
    for entry in entries:
        if isinstance(entry.event, Rewound):
            to = entry.event.to
            kept = [one for one in kept if one.seq <= to]
        else:
            kept.append(entry)
    return kept
