"""When something is due: the words of a schedule, the user's time zone, and the clock as something handed in."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Protocol

from mimocode.errors import UsageError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
SPAN = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
SHORTEST = 60.0
"""Seconds between two runs of a repeating job at least."""
ROUND = (60.0, 3_600.0)
"""Seconds after which the agent may go round a loop again."""
AGAIN = 1_200.0
"""Seconds after which a loop goes round once more, when the agent has not said when (surface.md A.4)."""
FORMS = '"0 9 * * 1-5" (minute hour day month weekday), "every 30m", "in 20m" or "at 2026-01-31 09:00"'


class Clock(Protocol):
    """Says what time it is. It may be set, in either direction, and stands still while the machine sleeps or not."""

    def now(self) -> float:
        """Unix seconds."""

    async def sleep(self, seconds: float) -> None:
        """Return after about that long, or sooner."""


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    async def sleep(self, seconds: float) -> None:
        """Wait; time that the machine slept may not count, so callers wait in short pieces."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Rule:
    """What a schedule says: `kind` is "cron", "every", "once" or "loop"; `spec` the expression, seconds, or nothing."""

    kind: str
    spec: str
    first: float
    """Unix seconds of the first run."""


def local_zone(environ: Mapping[str, str], wanted: str = "") -> tzinfo:
    """The user's time zone: as set, by TZ, or as the system has it; UTC when nobody knows.

    Raises:
        UsageError: there is no zone of the name that was set.
    """
    from zoneinfo import ZoneInfo

    for name, must in ((wanted, True), (environ.get("TZ", "").removeprefix(":"), False)):
        try:
            if name:
                return ZoneInfo(name)
        except (ValueError, OSError, LookupError):
            if must:
                raise UsageError(
                    f"cron.time_zone: there is no time zone {name!r}; write it like Europe/Berlin"
                ) from None
    system = Path("/etc/localtime")
    if "zoneinfo/" in (place := str(system.resolve())):
        try:
            return ZoneInfo(place.split("zoneinfo/", 1)[1])
        except (ValueError, OSError, LookupError):
            pass
    return UTC


def span(text: str) -> float:
    """Seconds of "90s", "10m", "1h30m", "2d".

    Raises:
        UsageError: it is no such thing.
    """
    text = text.strip().lower()
    if not SPAN.fullmatch(text):
        raise UsageError(f"{text!r} is no span of time: write 90s, 10m, 1h30m or 2d")
    return sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)([smhdw])", text))


def parsed(text: str, now: float, zone: tzinfo) -> Rule:
    """What the words of a schedule say, seen from `now`.

    Raises:
        UsageError: they say nothing, a time that is past, or something too frequent.
    """
    words = " ".join(text.split())
    kind, _, rest = words.partition(" ")
    if kind == "every" and rest:
        seconds = span(rest)
        if seconds < SHORTEST:
            raise UsageError(f"every {rest} is too often: a minute is the least")
        return Rule("every", f"{seconds:g}", now + seconds)
    if kind == "in" and rest:
        return Rule("once", "", now + span(rest))
    if kind == "at" and rest:
        return Rule("once", "", _moment(rest, now, zone))
    expression = NAMED.get(words, words)
    if len(expression.split()) != 5:
        raise UsageError(f"{text!r} is no schedule: write {FORMS}")
    return Rule("cron", expression, following(expression, now, zone))


def once(text: str, now: float, zone: tzinfo) -> Rule:
    """Like `parsed`, but only the first time that the words name.

    Raises:
        UsageError: they say nothing, or a time that is past.
    """
    return Rule("once", "", parsed(text, now, zone).first)


def next_round(seconds: float, now: float) -> Rule:
    """When a loop that the agent paces goes round next: so many seconds from now, within `ROUND`."""
    return Rule("loop", f"{AGAIN:g}", now + min(max(seconds, ROUND[0]), ROUND[1]))


def following(expression: str, after: float, zone: tzinfo) -> float:
    """The first time after `after` that a cron expression names; hours that the clock skips or repeats count once.

    Raises:
        UsageError: the expression is wrong, or names no day that exists.
    """
    from cronsim import CronSim, CronSimError

    try:
        # it answers in the zone that it was asked in, and changes of the clock are its business
        return next(CronSim(expression, datetime.fromtimestamp(after, zone))).timestamp()
    except CronSimError as error:
        raise UsageError(f"{expression!r} is no schedule: {str(error).lower()}; write {FORMS}") from None
    except StopIteration:
        raise UsageError(f"{expression!r} never comes: there is no such day") from None


def _moment(text: str, now: float, zone: tzinfo) -> float:
    try:
        if re.fullmatch(r"\d?\d:\d\d", text):
            hour, minute = map(int, text.split(":"))
            moment = datetime.fromtimestamp(now, zone).replace(hour=hour, minute=minute, second=0, microsecond=0)
            moment += timedelta(days=moment.timestamp() <= now)
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time: write 2026-01-31 09:00, or 09:00 for the next one") from None
    at = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()
    if at <= now:
        raise UsageError(f"{text} is past")
    return at


def shown(at: float, zone: tzinfo) -> str:
    """A time as its user reads it."""
    return datetime.fromtimestamp(at, zone).strftime("%a %Y-%m-%d %H:%M %Z")
