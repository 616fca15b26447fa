"""Choosing one of several things in the live region: type to filter, arrows to move, Enter to take, Esc to leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from rich.cells import cell_len

from ..shown.look import Look
from ..shown.prose import prose
from .fuzzy import best
from .live import cut

SHOWN = 10
"""Choices that are visible at a time."""
PREVIEWED = 14
"""Rows from which on there is room for a preview."""
Act = Callable[[str], Awaitable[None]]
More = Mapping[str, tuple[str, Act]]


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

    def __init__(
        self,
        title: str,
        choices: list[Choice],
        done: Callable[[str | None], None],
        preview: Callable[[str], str] | None = None,
        more: More | None = None,
        other: Callable[[str, Act], None] = lambda value, act: None,
    ) -> None:
        self.title, self._all, self._done = title, choices, done
        self._preview, self._previewed = preview, dict[str, str]()
        self._more, self._other = more or {}, other
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
            case _ if name in self._more and self._fitting:
                self._other(self._fitting[self._index].value, self._more[name][1])
            case _ if data.isprintable():
                self._filter(self.query + data)

    def lines(self, look: Look, rows: int) -> list[str]:
        """The title with the filter, and the choices around the chosen one."""
        below = self._below(look, rows)
        keys = self._keys(look)
        room = max(1, min(SHOWN, rows - 1 - len(keys) - len(below)))
        begin = max(0, min(self._index - room // 2, len(self._fitting) - room))
        shown = self._fitting[begin : begin + room]
        count = f" ({len(self._fitting)})" if len(self._fitting) > room else ""
        lines = look.lines(f"{self.title}{count}: {self.query}▏", style="bold")
        wide = max((cell_len(choice.label) for choice in shown), default=0)
        for number, choice in enumerate(shown, begin):
            lines.append(self._line(choice, number == self._index, wide, look))
        return [*lines, *below, *keys]

    def _keys(self, look: Look) -> list[str]:
        """What the keys do."""
        also = [f"{key.replace('c-', 'ctrl-')} {word}" for key, (word, _) in self._more.items()]
        words = [*look.say("enter takes · esc leaves").split(" · "), *also] if self._fitting else ["nothing fits"]
        return look.choices(map(look.say, words), first="  ", style="dim")

    def _below(self, look: Look, rows: int) -> list[str]:
        """What is to be known of the marked choice, when there is room for it."""
        if self._preview is None or not self._fitting or rows < PREVIEWED:
            return []
        value = self._fitting[self._index].value
        if value not in self._previewed:
            self._previewed[value] = self._preview(value)
        lines = prose(self._previewed[value], replace(look, width=look.width - 4))
        return [look.paint("  │", "dim") + f" {line}".rstrip() for line in lines[: rows // 3]]

    def _line(self, choice: Choice, here: bool, wide: int, look: Look) -> str:
        mark = ("❯ " if here else "  ") + ("● " if choice.now else "")
        pad = " " * max(0, min(wide, look.width // 2) - cell_len(choice.label))
        line = f"{choice.label}{pad}  {choice.detail}" if choice.detail else choice.label
        flat = line.replace("\n", " ")
        return look.paint(mark + cut(flat, look.width - cell_len(mark)), "bold cyan" if here else "")

    def _filter(self, query: str) -> None:
        self.query, self._index = query, 0
        self._fitting = best(query, self._all, lambda choice: f"{choice.label} {choice.detail}", len(self._all))
