"""What is known of a session's checkpoints while it is open; everything here can be found again from the log."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.session import Session


@dataclass
class Progress:
    """How far checkpoints are."""

    opening: int = -1
    """Tokens that this window held at first; -1 until it is known."""
    failures: int = 0
    """Writers in a row that brought nothing."""
    last_try: int = 0
    """Tokens of the window when the last writer began."""
    writer: asyncio.Task[None] | None = None


_progress: StashKey[Progress] = StashKey("memory.checkpoint")


def progress(session: Session) -> Progress:
    """Of this session."""
    found: Progress = session.stash.setdefault(_progress, Progress())
    return found


def windows(session: Session) -> int:
    """How many windows followed the first one."""
    return sum("after" in note for note in session.state.notes.get("window", ()))
