"""Choosing one of several things in the live region: type to filter, arrows to move, Enter to take, Esc to leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from ..shown.look import Look, plain
from .fuzzy import best

SHOWN = 10
"""Choices that are visible at a time."""


@dataclass(frozen=True)
class Choice:
    """One of them. `value` is handed over; `label` and `detail` are searched."""

    value: str
    label: str
    detail: str = ""
    now: bool = False
    """This is how it is at present."""


class Picker:
    """A list to choose from. Calls `done` with the value, or with None when the user leaves."""

    def __init__(self, title: str, choices: list[Choice], done: Callable[[str | None], None]) -> None:
        self.title, self._all, self._done = title, choices, done
        self.query = ""
        self._fitting = choices
        self._index = next((number for number, choice in enumerate(choices) if choice.now), 0)

    def key(self, name: str, data: str) -> None:
        """What a key does. Names are those of prompt_toolkit."""
        match name:
            case "escape" | "c-c":
                self._done(None)
            case "c-m":
                self._done(self._fitting[self._index].value if self._fitting else None)
            case "up" | "c-p" | "s-tab":
                self._index = (self._index - 1) % max(1, len(self._fitting))
            case "down" | "c-n" | "c-i":
                self._index = (self._index + 1) % max(1, len(self._fitting))
            case "c-h":
                self._filter(self.query[:-1])
            case "c-u":
                self._filter("")
            case _ if data.isprintable():
                self._filter(self.query + data)

    def lines(self, look: Look, rows: int) -> list[str]:
        """The title with the filter, and the choices around the chosen one."""
        room = max(1, min(SHOWN, rows - 2))
        begin = max(0, min(self._index - room // 2, len(self._fitting) - room))
        shown = self._fitting[begin : begin + room]
        count = f" ({len(self._fitting)})" if len(self._fitting) > room else ""
        lines = look.lines(f"{self.title}{count}: {self.query}▏", style="bold")
        wide = max((cell_len(choice.label) for choice in shown), default=0)
        for number, choice in enumerate(shown, begin):
            lines.append(self._line(choice, number == self._index, wide, look))
        return lines + look.lines("nothing fits" if not shown else "enter takes · esc leaves", first="  ", style="dim")

    def _line(self, choice: Choice, here: bool, wide: int, look: Look) -> str:
        mark = ("❯ " if here else "  ") + ("● " if choice.now else "")
        pad = " " * max(0, min(wide, look.width // 2) - cell_len(choice.label))
        line = f"{choice.label}{pad}  {choice.detail}" if choice.detail else choice.label
        flat = line.replace("\n", " ")
        return look.paint(mark + _cut(flat, look.width - cell_len(mark)), "bold cyan" if here else "")

    def _filter(self, query: str) -> None:
        self.query, self._index = query, 0
        self._fitting = best(query, self._all, lambda choice: f"{choice.label} {choice.detail}", len(self._all))


def _cut(text: str, width: int) -> str:
    """Like `fit`, but columns stay aligned."""
    shown = plain(text)
    return shown if cell_len(shown) <= width else (chop_cells(shown, max(1, width - 1)) or [""])[0] + "…"
