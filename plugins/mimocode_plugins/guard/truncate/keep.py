"""Keep the whole of what was cut in a file that the model can read, and collect old ones."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

AGE = 7 * 86_400
"""Seconds that a kept result stays (surface.md 6.1)."""
EVERY = 86_400
"""Seconds between two collections."""


def keep(folder: Path, call_id: str, text: str) -> Path:
    """Write a text to a new file `tool_<id>` that only the user can read, and say where.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = "tool_" + (re.sub(r"[^A-Za-z0-9-]", "", call_id)[-40:] or "call")
    for number in range(1000):
        path = folder / (f"{name}_{number}" if number else name)
        try:
            # O_EXCL also refuses a link that somebody planted under this name.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(text)
        return path
    raise FileExistsError(f"{folder / name} and a thousand more exist already")


def collect(folder: Path, now: float | None = None) -> int:
    """Delete kept results older than a week, at most once a day; return how many."""
    now = time.time() if now is None else now
    stamp = folder / ".collected"
    try:
        if now - stamp.stat().st_mtime < EVERY:
            return 0
    except OSError:
        pass  # never collected before
    stamp.touch()
    os.utime(stamp, (now, now))
    gone = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            old = entry.name.startswith("tool_") and now - entry.stat(follow_symlinks=False).st_mtime > AGE
            if old and entry.is_file(follow_symlinks=False):
                Path(entry.path).unlink(missing_ok=True)
                gone += 1
    return gone
