"""What a new window gets from the session's record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mimocode.messages import Part

from .. import saving
from ..layout import layout, ready, tokens
from ..redact import redact
from .document import parse, render
from .facts import Facts, gather
from .merge import LAST, capped, merged, pushed
from .record import NAME, Good, keep, newest
from .settings import checkpoint
from .state import progress, windows

if TYPE_CHECKING:
    from pathlib import Path

    from mimocode.session import Session

SHARES = {"checkpoint": 0.62, "activity": 0.12, "notes": 0.2, "keys": 0.06}
"""How the room is divided; each has it for itself."""


async def gathered(session: Session, room: int) -> list[Part]:
    """The newest checkpoint with what happened since, the notes, recent calls, and where more is found."""
    wanted, shelf_open = checkpoint(session), writable(session)
    if not (wanted.enabled and shelf_open):
        return [Part("", 10, "checkpoint-off" if shelf_open else "memory-write-off")]
    await ready(session.host)
    good, facts, place = newest(session), await since(session), layout(session.host, session.id)
    body = merged(parse(good.text), facts, session.state)
    if progress(session).writer is None:
        await keep(session, replace_good(good, render(body, session.state.title), facts.upto, session))
    caps = wanted.push_caps
    body = capped(body, {4: caps.tasks_ledger, 10: caps.design_decisions, 11: caps.open_notes})
    text = pushed(body, session.state.title, min(caps.checkpoint, int(room * SHARES["checkpoint"])))
    parts = [Part(text, 10, "checkpoint.md")]
    notes = _end(redact(saving.read(place.notes))[0], min(caps.notes, int(room * SHARES["notes"])))
    if notes:
        parts.append(Part(f"# Notes of this session ({place.notes})\n{notes}", 30, "notes.md"))
    done = _end("\n".join(facts.done[-200:-LAST]), int(room * SHARES["activity"]))
    if done:
        parts.append(Part(f"# Calls since the last checkpoint, results left out\n{done}", 20, "recent activity"))
    keys = _end("\n".join(_keys(session)), min(caps.memory_titles, int(room * SHARES["keys"])))
    if keys:
        parts.append(Part(f"# More is in these files; the memory tool searches them\n{keys}", 40, "key index"))
    return parts


def replace_good(good: Good, text: str, upto: int, session: Session) -> Good:
    """The next checkpoint, made from the log."""
    return Good(text, max(upto, good.covers), session.state.context, windows(session), "log")


async def since(session: Session, upto: int = 0) -> Facts:
    """What happened since the newest checkpoint, read from the log."""
    store, tools, covered = await session.host.store(), dict(session.toolbox.specs), newest(session).covers
    return await asyncio.to_thread(lambda: gather(store.read(session.id, covered), tools, upto))


def writable(session: Session) -> bool:
    """Whether the user lets anything be remembered."""
    settings = session.host.settings
    said = settings["memory"] if "memory" in settings else None  # noqa: SIM401 - no mapping
    return not (said.get("disable_write") if isinstance(said, dict) else getattr(said, "disable_write", False))


def _end(text: str, room: int) -> str:
    """The newest lines within `room` tokens."""
    lines, kept = text.strip().splitlines(), list[str]()
    for line in reversed(lines):
        if (room := room - tokens(line) - 1) < 0:
            kept.append(f"[{len(lines) - len(kept)} earlier lines left out]")
            break
        kept.append(line)
    return "\n".join(reversed(kept))


def _keys(session: Session) -> list[str]:
    place = layout(session.host, session.id)
    shown = {place.checkpoint, place.notes, place.project_file, place.global_file}
    folders: list[Path] = [place.session_folder, place.project_folder, place.global_file.parent]
    found = [path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*.md"))]
    return [f"- {path}" for path in found if path not in shown and not path.name.startswith(".")]


async def make_up(session: Session) -> None:
    """A writer that was at work when the process ended: make from the log what it did not."""
    notes = session.state.notes.get(NAME, ())
    if not notes or "started" not in notes[-1] or notes[-1]["started"] <= newest(session).covers:
        return
    facts = await since(session, notes[-1]["started"])
    good = newest(session)
    text = render(merged(parse(good.text), facts, session.state), session.state.title)
    await keep(session, Good(text, notes[-1]["started"], notes[-1].get("context", 0), windows(session), "log"))
