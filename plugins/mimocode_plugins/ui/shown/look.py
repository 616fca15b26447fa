"""How lines look: a width, colours or none. Lines are strings with nothing in them but text and colours (SGR)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len, chop_cells
from rich.color import ColorSystem
from rich.style import Style
from rich.text import Span, Text

from ..streams import visible
from .theme import Theme
from .words import translated

if TYPE_CHECKING:
    from rich.console import Console

Depth = Literal["none", "standard", "256", "truecolor"]
_SYSTEMS = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT, "truecolor": ColorSystem.TRUECOLOR}
LEAST = 20
"""Columns that are assumed to be there."""


def depth(environ: Mapping[str, str]) -> Depth:
    """Which colours a terminal has, by its environment."""
    if environ.get("NO_COLOR") or environ.get("TERM") in ("dumb", "unknown"):
        return "none"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256" in environ.get("TERM", "") else "standard"


@dataclass(frozen=True)
class Look:
    """What a drawing depends on. `thinking` and `details` are the user's wishes to see more."""

    width: int = 80
    depth: Depth = "none"
    thinking: bool = False
    details: bool = False
    split: bool = False
    """Diffs side by side where there is room."""
    theme: Theme = Theme()
    language: str = "en"
    linear: bool = False
    """For screen readers: words instead of signs, nothing that moves."""

    def say(self, text: str) -> str:
        """A text of the program in the user's language."""
        return translated(text, self.language)

    def lines(
        self, text: Text | str, *, first: str = "", then: str = "", style: str = "", hard: bool = False
    ) -> list[str]:
        """A text as lines that fit.

        Args:
            first: what stands before the first line, made visible like everything.
            then: what stands before the others; default: as many blanks as `first` is wide.
            style: for the whole text.
            hard: break anywhere, not between words: for code.
        """
        content = text.copy() if isinstance(text, Text) else Text(plain(text))
        if style:
            content.stylize_before(style)
        then = then or " " * cell_len(first)
        room = max(4, max(LEAST, self.width) - max(cell_len(first), cell_len(then)))
        pieces = [piece for line in content.split("\n", allow_blank=True) for piece in _wrapped(line, room, hard)]
        return [self.paint(Text(then if number else first) + piece) for number, piece in enumerate(pieces)]

    def choices(self, words: Iterable[str], *, first: str = "", style: str = "") -> list[str]:
        """Choices with a sign between them, as lines that break between two of them and not inside of one."""
        rows = list[str]()
        for word in words:
            if rows and cell_len(f"{first}{rows[-1]} · {word}") <= max(LEAST, self.width):
                rows[-1] += f" · {word}"
            else:
                rows.append(word)
        return [line for row in rows for line in self.lines(row, first=first, style=style)]

    def paint(self, line: Text | str, style: str = "") -> str:
        """One line with its colours, trailing blanks cut."""
        text = Text(plain(line)) if isinstance(line, str) else line
        if isinstance(line, str) and style:
            text.stylize(style)  # rich leaves out the style of a text that has no spans
        text.rstrip()
        if self.depth == "none":
            return text.plain
        return "".join(self._coloured(text))

    def _coloured(self, text: Text) -> Iterator[str]:
        system = _SYSTEMS[self.depth]
        if self.theme.colours and text.spans:
            text = text.copy()
            text.spans = [
                Span(span.start, span.end, self.theme.style(span.style)) if isinstance(span.style, str) else span
                for span in text.spans
            ]
        for segment in text.render(_console(self.width)):
            if segment.text and segment.text != "\n":
                style = segment.style if isinstance(segment.style, Style) else None
                yield style.render(segment.text, color_system=system) if style else segment.text


def plain(text: str) -> str:
    """Text from anywhere, safe to show: tabs as blanks, what steers a terminal as pictures."""
    return visible(text).expandtabs(4)


def environment() -> Depth:
    """The colours of this process' terminal."""
    return depth(os.environ)


@lru_cache(8)
def _console(width: int) -> Console:
    from io import StringIO

    from rich.console import Console

    return Console(file=StringIO(), width=width, force_terminal=True, color_system="truecolor", legacy_windows=False)


def _wrapped(line: Text, room: int, hard: bool) -> list[Text]:
    if cell_len(line.plain) <= room:
        return [line]
    if hard:
        return list(line.divide(_cuts(line.plain, room)))
    line.expand_tabs(4)
    pieces = list(line.wrap(_console(room), room))
    return [part for piece in pieces for part in piece.divide(_cuts(piece.plain.rstrip(), room))]


def _cuts(text: str, room: int) -> list[int]:
    """Where to cut so that no piece is wider than `room`; a character wider than that stands alone."""
    if cell_len(text) <= room:
        return []
    ends = accumulate(len(piece) for piece in chop_cells(text, room))
    return sorted({end for end in ends if 0 < end < len(text)})
