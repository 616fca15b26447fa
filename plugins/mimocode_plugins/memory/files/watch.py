"""Notices what a tool wrote into MEMORY.md by any route, a shell command too, and marks it as proposed.

What changes between two calls is the user at an editor. What changes during a call is the call's doing, and nobody
knows whose words it wrote: it waits for the user. Two stats per call that is not read-only.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.ports import StashKey

from .. import saving
from ..items import demote
from ..layout import ready
from ..shelf import SECTIONS, Shelf, shelf

if TYPE_CHECKING:
    from mimocode.events import CallFinished
    from mimocode.session import Session

HEADINGS = {name.lower() for name in (*SECTIONS, "Project memory", "Global memory", "Patterns", "Gotchas")}
Stamp = tuple[int, int, int]


@dataclass
class _Seen:
    """The files as they were, and the calls that are running."""

    texts: dict[Path, tuple[Stamp, str]] = field(default_factory=dict)
    running: dict[str, bool] = field(default_factory=dict)


_seen: StashKey[_Seen] = StashKey("memory.files.seen")


async def before(call_id: str, session: Session) -> None:
    """Remember how the files are when a call begins that may write."""
    call = next((call for call in session.state.open if call.id == call_id), None)
    spec = session.toolbox.specs.get(call.name) if call else None
    if spec is None or spec.read_only:
        return
    seen: _Seen = session.stash.setdefault(_seen, _Seen())
    await ready(session.host)
    if not seen.running:
        for path in _watched(shelf(session.host)):
            _look(seen, path)
    seen.running[call_id] = True


async def after(event: CallFinished, session: Session) -> None:
    """Mark what the call wrote past us, and tell the user."""
    seen: _Seen | None = session.stash.get(_seen)
    if seen is None or not seen.running.pop(event.call_id, False):
        return
    kept = shelf(session.host)
    marked = 0
    for path in _watched(kept):
        known = seen.texts.get(path, ((0, 0, 0), ""))
        if _stamp(path) != known[0]:
            marked += _settle(path, known[1], kept, f"{session.id}#{session.state.seq}")
            _look(seen, path)
    if marked:
        what = "1 line" if marked == 1 else f"{marked} lines"
        told = f"{what} written into MEMORY.md by a tool: proposed, not loaded until you say /memory confirm"
        await session.notice("memory", told, "warning")


def _settle(path: Path, old: str, kept: Shelf, evidence: str) -> int:
    with saving.locked(kept.layout.base):
        text = _text(path)
        settled, marked = demote(old, text, kept.key, time.time(), evidence, HEADINGS)
        if marked:
            saving.replace(path, settled)
    return len(marked)


def _watched(kept: Shelf) -> list[Path]:
    return [kept.layout.project_file, kept.layout.global_file]


def _look(seen: _Seen, path: Path) -> None:
    stamp = _stamp(path)
    if seen.texts.get(path, (None, ""))[0] != stamp:
        seen.texts[path] = (stamp, _text(path))


def _text(path: Path) -> str:
    try:
        return saving.whole(path)
    except OSError:
        return ""


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
