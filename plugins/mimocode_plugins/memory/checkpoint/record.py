"""Where checkpoints are: in the log, which is what counts, and as checkpoint.md, which is made to agree with it.

A checkpoint is one fact with its text and the number of the last fact that it covers, so that both move together,
whatever happens to the process, and go back and forth with undo, redo and fork.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.events import Noted

from .. import saving
from ..layout import layout, ready

if TYPE_CHECKING:
    from pathlib import Path

    from mimocode.session import Session

NAME = "checkpoint"
STAGED = "checkpoint.staged"
"""A draft beside the file; whatever is found there belonged to a process that died."""


@dataclass(frozen=True)
class Good:
    """A checkpoint that counts."""

    text: str = ""
    covers: int = 0
    context: int = 0
    """Tokens that the window held then."""
    window: int = 0
    """How many windows had been opened."""
    by: str = ""
    """"writer", or "log" when it was made without a model."""


def newest(session: Session) -> Good:
    """The newest good checkpoint; an empty one if there is none."""
    for note in reversed(list(session.state.notes.get(NAME, ()))):
        if "text" in note:
            return Good(note["text"], note["covers"], note.get("context", 0), note.get("window", 0), note.get("by", ""))
    return Good()


async def keep(session: Session, good: Good, **more: Any) -> bool:
    """Make this the newest one. False: it covers no more than the one there is, and is dropped."""
    if good.covers <= newest(session).covers:
        return False
    data = {"text": good.text, "covers": good.covers, "context": good.context, "window": good.window, "by": good.by}
    await ready(session.host)
    staged = await asyncio.to_thread(_stage, session, good.text)
    digest = hashlib.sha256(good.text.encode()).hexdigest()
    if good.covers <= newest(session).covers:
        return False
    await session.emit(Noted(NAME, {**data, "sha256": digest, **more}))
    if staged is not None:
        await asyncio.to_thread(_place, staged, session)
    return True


def _stage(session: Session, text: str) -> Path | None:
    """The draft, or None if it cannot be written: the log has the text, and a later session makes the file."""
    staged = layout(session.host, session.id).session_folder / STAGED
    try:
        saving.replace(staged, text)
    except OSError:
        return None
    return staged


def _place(staged: Path, session: Session) -> None:
    with suppress(OSError):
        staged.replace(layout(session.host, session.id).checkpoint)


def agree(session: Session, *, taken_back: bool = False) -> None:
    """Make the file what the log says, and take away what a dead process left.

    Args:
        taken_back: the log went back, perhaps to before the first checkpoint.
    """
    place = layout(session.host, session.id)
    text = newest(session).text
    with suppress(OSError):  # a folder that cannot be written keeps nobody from going on
        for left in (STAGED, f".{STAGED}.*", f".{place.checkpoint.name}.*"):
            for path in place.session_folder.glob(left):
                path.unlink(missing_ok=True)
        if text and saving.read(place.checkpoint) != text:
            saving.replace(place.checkpoint, text)
        elif not text and taken_back:
            place.checkpoint.unlink(missing_ok=True)
