"""Finished lines as a control of prompt_toolkit: taken once per frame, coloured text in few pieces."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from prompt_toolkit.formatted_text import ANSI, StyleAndTextTuples, to_formatted_text
from prompt_toolkit.layout.controls import GetLinePrefixCallable, UIContent, UIControl


class Rows(UIControl):
    """Shows the lines that `lines` returns for a frame; the layout asks several times for each."""

    def __init__(self, lines: Callable[[], list[str]], frame: Callable[[], int]) -> None:
        self._lines, self._frame = lines, frame
        self._made = -1
        self._rows: list[StyleAndTextTuples] = []

    def create_content(self, width: int, height: int | None) -> UIContent:
        """The lines."""
        rows = self._current()
        return UIContent(get_line=lambda number: rows[number], line_count=len(rows), show_cursor=False)

    def preferred_height(
        self, width: int, max_available_height: int, wrap_lines: bool, get_line_prefix: GetLinePrefixCallable | None
    ) -> int | None:
        """As many rows as there are lines."""
        return len(self._current())

    @property
    def height(self) -> int:
        """How many there are."""
        return len(self._current())

    def preferred_width(self, max_available_width: int) -> int | None:
        """All there is."""
        return max_available_width

    def is_focusable(self) -> bool:
        """Nothing can be typed here."""
        return False

    def _current(self) -> list[StyleAndTextTuples]:
        if self._made != self._frame():
            self._made = self._frame()
            self._rows = [pieces(line) for line in self._lines()] or [[("", "")]]
        return self._rows


def pieces(line: str) -> StyleAndTextTuples:
    """A coloured line as fragments, one per style."""
    letters = to_formatted_text(ANSI(line))
    return [(style, "".join(part[1] for part in run)) for style, run in groupby(letters, lambda part: part[0])]
