"""Unified diffs as lines of a terminal: below each other, or side by side where there is room."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from .look import Look, plain

ROOMY = 110
"""Columns from which on the two sides stand beside each other."""
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def diff_lines(diff: list[str], look: Look, most: int) -> list[str]:
    """A unified diff in its colours, cut at `most` lines with a word on what is missing."""
    if len(diff) > 2 and diff[0].startswith("---") and sum(line.startswith("--- ") for line in diff) == 1:
        diff = diff[2:]  # one file: it is named above
    beside = look.split and look.width >= ROOMY
    shown = list(_beside(diff[:most], look)) if beside else list(_below(diff[:most], look))
    more = len(diff) - most
    return shown + (
        look.lines(f"… {more} more lines, /details shows them", first="  ", style="dim") if more > 0 else []
    )


def _below(diff: list[str], look: Look) -> Iterator[str]:
    for line in diff:
        yield from look.lines(line, first="  ", style=_style(line), hard=True)


def _style(line: str) -> str:
    return "bold" if line.startswith(("+++", "---")) else _COLOURS.get(line[:1], "dim")


def _beside(diff: list[str], look: Look) -> Iterator[str]:
    """Rows of what was and what is, with line numbers; what belongs together stands in one row."""
    old = new = 0
    gone: list[tuple[int, str]] = []
    come: list[tuple[int, str]] = []
    for line in diff:
        hunk = _HUNK.match(line)
        if not line.startswith(("-", "+")) or line.startswith(("---", "+++")):
            yield from _pairs(gone, come, look)
            gone, come = [], []
        if hunk:
            old, new = int(hunk[1]), int(hunk[2])
            yield from look.lines(line, first="  ", style="cyan", hard=True)
        elif line.startswith(("---", "+++")):
            yield from look.lines(line, first="  ", style="bold", hard=True)
        elif line.startswith("-"):
            gone, old = [*gone, (old, line[1:])], old + 1
        elif line.startswith("+"):
            come, new = [*come, (new, line[1:])], new + 1
        else:
            yield from _row((old, line[1:]), (new, line[1:]), "dim", "dim", look)
            old, new = old + 1, new + 1
    yield from _pairs(gone, come, look)


def _pairs(gone: list[tuple[int, str]], come: list[tuple[int, str]], look: Look) -> Iterator[str]:
    for at in range(max(len(gone), len(come))):
        left, right = gone[at] if at < len(gone) else None, come[at] if at < len(come) else None
        yield from _row(left, right, "red", "green", look)


def _row(left: tuple[int, str] | None, right: tuple[int, str] | None, was: str, now: str, look: Look) -> Iterator[str]:
    room = (look.width - 5) // 2
    lefts, rights = _side(left, room), _side(right, room)
    for at in range(max(len(lefts), len(rights))):
        one = lefts[at] if at < len(lefts) else ""
        other = rights[at] if at < len(rights) else ""
        padded = set_cell_size(one, room) if cell_len(one) < room else one
        yield look.paint(Text.assemble("  ", (padded, was), (" │ ", "dim"), (other, now)))


def _side(side: tuple[int, str] | None, room: int) -> list[str]:
    """A line with its number, wrapped to the columns of one side."""
    if side is None:
        return [""]
    number, text = side
    pieces = Look(room - 5).lines(plain(text), hard=True) or [""]
    return [f"{number if not at else '':>4} {piece}" for at, piece in enumerate(pieces)]
