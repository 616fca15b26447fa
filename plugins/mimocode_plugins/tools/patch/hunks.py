"""Find where hunks belong in a file, and only there, and put their lines in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mimocode.errors import ToolFailed

from ..place import show
from ..text.coding import line_ends
from ..text.nearest import nearest
from .envelope import Hunk

_EQUAL: tuple[Callable[[str], str], ...] = (str, str.rstrip, str.strip)
"""How lines are compared: exactly, without space at the end, without space around. A looser way must be unique."""


def patched(text: str, hunks: Sequence[Hunk], name: str) -> str:
    """The text with all hunks put in. Lines that stay keep their bytes.

    Raises:
        ToolFailed: a hunk fits nowhere, or in several places.
    """
    lines = text.split("\n")
    last = lines.pop()
    whole = [line + "\n" for line in lines] + [last] * bool(last)
    bare = [line.removesuffix("\n").removesuffix("\r") for line in whole]
    spans: list[tuple[int, int, Hunk]] = []
    at = 0
    for number, hunk in enumerate(hunks, 1):
        start = _place(bare, hunk, at, spans, f"Hunk {number} of {show(name)}", text)
        at = start + len(hunk.old)
        spans.append((start, at, hunk))
    return _joined(whole, bare, sorted(spans, key=lambda span: span[:2]), line_ends(text), bool(last))


def _place(bare: list[str], hunk: Hunk, at: int, taken: Sequence[tuple[int, int, Hunk]], which: str, text: str) -> int:
    """The line where a hunk begins."""
    low = _below(bare, hunk, at, which)
    old = hunk.old
    if not old:  # only new lines
        return low if hunk.above and not hunk.at_end else len(bare)
    for equal in _EQUAL:
        found = [
            start
            for start in _matches(bare, old, low, equal, hunk.at_end)
            if all(start + len(old) <= a or start >= b for a, b, _ in taken)
        ]
        if len(found) == 1 or (found and hunk.above and equal is str):
            return found[0]
        if found:
            places = ", ".join(str(start + 1) for start in found[:5])
            raise ToolFailed(
                f"{which} fits {len(found)} places (lines {places}). Add lines around it, or @@ with a line above it. "
                "Nothing was changed."
            )
    if low and not hunk.above:  # hunks may come in any order
        return _place(bare, hunk, 0, taken, which, text)
    raise ToolFailed(f"{which} does not fit. Nothing was changed.{nearest(text, chr(10).join(old))}")


def _below(bare: list[str], hunk: Hunk, at: int, which: str) -> int:
    """The first line below all lines of `hunk.above`, which are looked for one below the other."""
    for name in hunk.above:
        found = _first(bare, name, at)
        if found is None and at:
            found = _first(bare, name, 0)
        if found is None:
            raise ToolFailed(f"{which}: there is no line {name.strip()!r} to be found below. Nothing was changed.")
        at = found + 1
    return at


def _first(bare: list[str], name: str, at: int) -> int | None:
    for equal in _EQUAL:
        wanted = equal(name)
        for number in range(at, len(bare)):
            if equal(bare[number]) == wanted:
                return number
    return None


def _matches(bare: list[str], old: list[str], low: int, equal: Callable[[str], str], at_end: bool) -> Iterator[int]:
    wanted = [equal(line) for line in old]
    high = len(bare) - len(wanted)
    for start in range(max(low, high) if at_end else low, high + 1):
        if equal(bare[start]) == wanted[0] and [equal(line) for line in bare[start : start + len(wanted)]] == wanted:
            yield start


def _joined(
    whole: list[str], bare: list[str], spans: Sequence[tuple[int, int, Hunk]], ends: str, open_end: bool
) -> str:
    made: list[str] = []
    at = 0
    for start, _, hunk in spans:
        made += whole[at:start]
        at = start
        for mark, line in hunk.lines:
            if mark == "+":
                made.append(line + _end(whole, at, ends))
                continue
            if mark == " ":
                made.append(whole[at])
            at += 1
    made += whole[at:]
    for number, line in enumerate(made[:-1]):  # what was the last line may have others after it now
        if not line.endswith("\n"):
            made[number] = line + ends
    if made and open_end:
        made[-1] = made[-1].removesuffix("\n").removesuffix("\r")
    return "".join(made)


def _end(whole: list[str], at: int, usual: str) -> str:
    """The line end of the neighbours, so that a file with both kinds keeps them where they are."""
    near = whole[at - 1 : at] or whole[at : at + 1]
    if not near or not near[0].endswith("\n"):
        return usual
    return "\r\n" if near[0].endswith("\r\n") else "\n"
