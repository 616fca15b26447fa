"""What was said and done, from the log: search, around, get (runtime.md 2.6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed
from mimocode.events import CallFinished, Entry, MessageAdded
from mimocode.messages import Text, ToolCall

from .desk import sessions

if TYPE_CHECKING:
    from mimocode.session import Session

TOTAL = 20_480
"""Characters of one answer."""
PIECE = 4000
PLACES = 12
"""Directories of one project that are searched, the latest first: clones, work trees, folders below its root."""


async def search(session: Session, query: str, scope: str, kind: str, limit: int) -> str:
    """Where words were said, best first; "" when nowhere.

    Raises:
        ToolFailed: this log cannot be searched.
    """
    store: Any = await session.host.store()
    if not hasattr(store, "search"):
        raise ToolFailed("This log cannot be searched; use around or get.")
    kinds = [kind] if kind else _kinds(session)
    limit = max(1, min(limit, 50))
    where = [{"session": session.id}]
    if scope != "session":
        known = dict.fromkeys(info.directory for info in await sessions(session.host))
        where = [{"directory": directory} for directory in list(known)[:PLACES]]
    found = [hit for place in where for hit in store.search(query, kinds=kinds, limit=limit + 20, **place)]
    found.sort(key=lambda hit: (hit.score, -hit.time))
    asked = ("history", "memory")  # who searches does not want to find the searches
    lines = [
        f"{hit.session}#{hit.seq} {_when(hit.time)} {hit.kind}{f' {hit.tool}' if hit.tool else ''}: "
        + _around(hit.text, query)
        for hit in found
        if hit.kind != "tool_input" or hit.tool not in asked
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


async def _entries(session: Session, id: str) -> Iterator[Entry]:
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
