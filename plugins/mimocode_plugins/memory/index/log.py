"""What was said and done, from the log: search, around, get (runtime.md 2.6)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed
from mimocode.events import CallFinished, Entry, MessageAdded
from mimocode.messages import Text, ToolCall

from ..layout import sessions

if TYPE_CHECKING:
    from mimocode.session import Session

TOTAL = 20_480
"""Characters of one answer."""
PIECE = 4000
MANY = 500
"""Places that hold the words and are looked at, when only some of them are wanted."""
OWN = ("history", "memory")
PLACES = 12
"""Directories of one project that are searched, the latest first: clones, work trees, folders below its root."""


@dataclass(frozen=True)
class Wanted:
    """What is searched for: words, and what the places where they stand must be like."""

    query: str
    scope: str = ""
    kinds: Sequence[str] = ()
    session: str = ""
    tool: str = ""
    after: float = 0.0
    before: float = math.inf

    @property
    def narrow(self) -> bool:
        """Whether many that hold the words may be left out."""
        return bool(self.tool or self.after or self.before < math.inf)

    def fits(self, hit: Any) -> bool:
        """Whether a place where the words stand is one of these."""
        own = hit.kind == "tool_input" and hit.tool in OWN  # who searches does not want to find the searches
        return self.tool in ("", hit.tool) and self.after <= hit.time <= self.before and not (own and not self.tool)


def moment(said: str | float, otherwise: float) -> float:
    """Seconds since 1970 of a date, a time, or a number of seconds or milliseconds.

    Raises:
        ToolFailed: it is none of these.
    """
    if said in ("", None):
        return otherwise
    try:
        number = float(said)
        return number / 1000 if number > 1e11 else number
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(str(said)).timestamp()
    except ValueError:
        raise ToolFailed(f"{said!r} is no time; write it as 2026-01-31 or 2026-01-31T09:30.") from None


async def search(session: Session, wanted: Wanted, limit: int) -> str:
    """Where words were said, best first; "" when nowhere.

    Raises:
        ToolFailed: this log cannot be searched, or not there.
    """
    if wanted.scope not in ("", "session", "project"):
        raise ToolFailed(f"There is no scope {wanted.scope!r}; use session or project. Other projects stay apart.")
    store: Any = await session.host.store()
    if not hasattr(store, "search"):
        raise ToolFailed("This log cannot be searched; use around or get.")
    kinds = wanted.kinds or _kinds(session)
    limit = max(1, min(limit, 50))
    where = [{"session": wanted.session or session.id}]
    if wanted.session:
        await _must_be_ours(session, wanted.session)
    elif wanted.scope != "session":
        known = dict.fromkeys(info.directory for info in await sessions(session.host))
        where = [{"directory": directory} for directory in list(known)[:PLACES]]
    many = MANY if wanted.narrow else limit + 20
    found = [hit for at in where for hit in store.search(wanted.query, kinds=kinds, limit=many, **at)]
    found.sort(key=lambda hit: (hit.score, -hit.time))
    lines = [
        f"{hit.session}#{hit.seq} {_when(hit.time)} {hit.kind}{f' {hit.tool}' if hit.tool else ''}: "
        + _around(hit.text, wanted.query)
        for hit in found
        if wanted.fits(hit)
    ]
    return "\n".join(lines[:limit])


def _kinds(session: Session) -> list[str]:
    """What is searched when nobody says: everything, unless the user's settings name kinds (`history.kinds`)."""
    settings: Any = session.host.settings
    if "history" not in settings or "history" not in getattr(settings, "data", {}):
        return []
    said = settings["history"]
    return list(said["kinds"] if isinstance(said, dict) else said.kinds)


async def around(session: Session, place: str, before: int = 5, after: int = 5) -> str:
    """What was said around a place "session#number" (or "#number" of this session)."""
    id, seq = _place(session, place)
    said = [(entry.seq, line) for entry in await _entries(session, id) if (line := _line(entry, TOTAL // 10))]
    earlier = [line for at, line in said if at < seq][-before:] if before > 0 else []
    later = [line for at, line in said if at >= seq][: after + 1]
    return "\n".join(earlier + later)[:TOTAL] or _nothing(place)


async def get(session: Session, place: str, offset: int = 0) -> str:
    """All of one event, from character `offset` on."""
    id, seq = _place(session, place)
    for entry in await _entries(session, id):
        if entry.seq == seq and (text := _line(entry, 0)):
            rest = len(text) - offset - PIECE
            more = f"\n[{rest} more characters; offset {offset + PIECE}]" if rest > 0 else ""
            return text[offset : offset + PIECE] + more
    return _nothing(place)


async def _must_be_ours(session: Session, id: str) -> None:
    if id != session.id and not any(info.id == id for info in await sessions(session.host)):
        raise ToolFailed(f"There is no session {id!r} in this project.")


async def _entries(session: Session, id: str) -> Iterator[Entry]:
    await _must_be_ours(session, id)
    store = await session.host.store()
    return iter(store.read(id))


def _place(session: Session, place: str) -> tuple[str, int]:
    id, _, number = place.strip().rpartition("#")
    if not number.isdigit():
        raise ToolFailed(f'{place!r} is no place in the log; give "session#number" as a search shows it.')
    return id or session.id, int(number)


def _nothing(place: str) -> str:
    raise ToolFailed(f"Nothing was said at {place}; search for it.")


def _line(entry: Entry, most: int) -> str:
    match entry.event:
        case MessageAdded(message=message):
            parts = [block.text for block in message.content if isinstance(block, Text)]
            parts += [f"{b.name}({dict(b.arguments)})" for b in message.content if isinstance(b, ToolCall)]
            text, who = "\n".join(parts), str(message.role)
        case CallFinished(content=content, error=error):
            text, who = "\n".join(b.text for b in content if isinstance(b, Text)), "error" if error else "result"
        case _:
            return ""
    cut = f"{text[:most]} [...]" if most and len(text) > most else text
    return f"#{entry.seq} {_when(entry.time)} {who}: {cut}"


def _when(time: float) -> str:
    return datetime.fromtimestamp(time).astimezone().strftime("%Y-%m-%d %H:%M")


def _around(text: str, query: str, width: int = 240) -> str:
    """The part of a text where the first word of the query stands, on one line."""
    low = text.lower()
    at = min((found for word in query.lower().split() if (found := low.find(word)) >= 0), default=0)
    start = max(at - width // 3, 0)
    piece = " ".join(text[start : start + width].split())
    return f"{'...' if start else ''}{piece}{'...' if start + width < len(text) else ''}"
