"""What the plugin keeps of a host: its clock, its time zone, its settings, and the book of jobs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import TYPE_CHECKING

from mimocode.ports import StashKey

from . import hookspecs
from .jobs import Book, Job
from .settings import Cron
from .times import Clock, SystemClock, local_zone, shown, span

if TYPE_CHECKING:
    from mimocode.host import Host

_desk: StashKey[Desk] = StashKey("clock.cron")
SHOWN = 70
"""Characters of a prompt in a list."""


@dataclass(frozen=True)
class Desk:
    """All that is needed to keep schedules of one host."""

    book: Book
    clock: Clock
    zone: tzinfo
    wishes: Cron
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process changed the book, so that nobody sleeps past a new job."""


async def desk(host: Host) -> Desk:
    """The desk of a host.

    Raises:
        UsageError: the settings name a time zone that there is not.
    """
    if _desk not in host.stash:
        clock = await host.hooks.first(hookspecs.find_clock, host=host) or SystemClock()
        wishes = host.settings["cron"]
        wishes = wishes if isinstance(wishes, Cron) else Cron(**wishes)
        zone = local_zone(host.environ, wishes.time_zone)
        host.stash.setdefault(_desk, Desk(Book(host.paths.data / "schedule.db"), clock, zone, wishes))
    found: Desk = host.stash[_desk]
    return found


def rhythm(job: Job, zone: tzinfo) -> str:
    """When a job runs, in words."""
    if job.kind == "once":
        return f"once, {shown(job.next, zone)}"
    if job.kind == "loop":
        return f"next round {shown(job.next, zone)}"
    every = f"every {_spoken(float(job.spec))}" if job.kind == "every" else job.spec
    return f"{every}, next {shown(job.next, zone)}"


def _spoken(seconds: float) -> str:
    for unit in "wdhm":
        if seconds % span(f"1{unit}") == 0:
            return f"{seconds / span(f'1{unit}'):g}{unit}"
    return f"{seconds:g}s"


def line(job: Job, zone: tzinfo) -> str:
    """A job in one line of a list."""
    words = " ".join(job.prompt.split())
    words = words if len(words) <= SHOWN else words[: SHOWN - 3] + "..."
    told = f", until {shown(job.expires, zone)}" if job.expires else ""
    told += ", this session only" if job.session else ""
    called = f"{job.name}, " if job.name else ""
    return f"{job.id}  {called}{rhythm(job, zone)}{told}: {json.dumps(words, ensure_ascii=False)}"


def details(job: Job, zone: tzinfo) -> str:
    """All there is to know about a job."""
    rows = {
        "id": job.id,
        "name": job.name,
        "when": rhythm(job, zone),
        "until": shown(job.expires, zone) if job.expires else "",
        "session": job.session,
        "missed times": {"once": "made up for once", "skip": "left out"}[job.catch_up] if job.kind != "once" else "",
        "last run": f"{shown(job.last, zone)}, {job.runs} so far" if job.runs else "none yet",
        "made": f"{shown(job.made, zone)} by the {job.by}",
        "reason": job.reason,
        "prompt": job.prompt,
    }
    return "\n".join(f"{name}: {value}" for name, value in rows.items() if value)
