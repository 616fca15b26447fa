"""Cut a long text to what a model can use: the beginning, and the end when that is where the errors are.

Source: surface.md 6.1, runtime.md 1.8. Pure functions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LINES = 2000
BYTES = 50 * 1024
LOOK = 2048
"""Characters at the end in which errors are looked for."""
HEAD = 0.7
"""Share of the beginning when the end is kept too."""
_ERROR = re.compile(
    r"\b(error|errors|failed|failure|failures|fatal|exception|traceback|panic|panicked|assertion\w*|undefined|"
    r"segmentation fault|not found|cannot|denied|exit (code|status)|non-?zero)\b|\b[A-Z]\w*(Error|Exception)\b|✗|✘",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Cut:
    """What stays of a text. `tail` is empty when only the beginning stays; `lines` and `size` are the whole's."""

    head: str
    tail: str
    lines: int
    size: int

    @property
    def gone(self) -> int:
        """Lines left out, at least one."""
        return max(self.lines - _count(self.head) - _count(self.tail), 1)


def shorten(text: str, lines: int = LINES, size: int = BYTES) -> Cut | None:
    """Cut a text to so many lines and so many bytes of UTF-8; None if it fits."""
    total = _count(text)
    # A text of few characters cannot be too many bytes: most results take this way.
    if total <= lines and len(text) * 4 <= size:
        return None
    measured = _bytes(text)
    if total <= lines and measured <= size:
        return None
    if not _ERROR.search(text[-LOOK:]):
        return Cut(_first(text, lines, size), "", total, measured)
    head = _first(text, int(lines * HEAD), int(size * HEAD))
    tail = _last(text, lines - int(lines * HEAD), size - int(size * HEAD))
    return Cut(head, tail, total, measured)


def _count(text: str) -> int:
    return text.count("\n") + bool(text and not text.endswith("\n"))


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _first(text: str, lines: int, size: int) -> str:
    end = 0
    for _ in range(lines):
        after = text.find("\n", end) + 1
        if not after or after > size:
            end = after or len(text)
            break
        end = after
    return _fit(text[:end], size, from_end=False)


def _last(text: str, lines: int, size: int) -> str:
    begin = len(text) - text.endswith("\n")
    for _ in range(lines):
        before = text.rfind("\n", 0, begin)
        begin = before
        if before < 0 or len(text) - before > size:
            break
    return _fit(text[begin + 1 :], size, from_end=True)


def _fit(text: str, size: int, *, from_end: bool) -> str:
    """As many whole lines as fit, or as many characters of a line that alone is too long."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= size:
        return text
    piece = (raw[-size:] if from_end else raw[:size]).decode("utf-8", "ignore")
    if from_end:
        at = piece.find("\n") + 1
        return piece[at:] if 0 < at < len(piece) else piece
    at = piece.rfind("\n") + 1
    return piece[:at] if at else piece
