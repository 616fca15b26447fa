"""Questions of the agent, and of MCP servers through it, as lists to choose from; one may always write instead.

The protocol stands in the module text of `tools/ask`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mimocode.events import ApprovalGiven, Approve, CallFinished, Entry, TurnEnded
from mimocode.ports import StashKey

from ..shown.look import Look
from .approving import PAUSE
from .fuzzy import best

if TYPE_CHECKING:
    from mimocode.session import Session

QUESTIONS: StashKey[Questions] = StashKey("ui.questions")
"""In `host.stash` while somebody sits at the terminal."""


@dataclass
class Asked:
    """Some questions that were asked together, and what was answered so far."""

    call: str
    questions: list[dict[str, Any]]
    session: Session
    given: list[list[str]] = field(default_factory=list)


class Questions:
    """Puts one question after the other and hands all answers back. Takes the keys after a pause in the typing."""

    def __init__(
        self, changed: Callable[[], None], typed: Callable[[], float], do: Callable[[Awaitable[Any]], None]
    ) -> None:
        self._changed, self._typed, self._do = changed, typed, do
        self.queue: list[Asked] = []
        self._since = 0.0
        self._query, self._at, self._marked = "", 0, list[str]()

    def take(self, data: Any, session: Session) -> None:
        """Somebody asks."""
        asked = [one for one in data.get("questions") or [] if isinstance(one, dict)]
        if asked:
            self.queue.append(Asked(str(data.get("call", "")), asked, session))
            self._fresh()

    def see(self, entry: Entry) -> None:
        """Drop what was answered elsewhere or nobody waits for any more."""
        match entry.event:
            case ApprovalGiven(call_id=call) | CallFinished(call_id=call):
                kept = [one for one in self.queue if one.session.id != entry.session or one.call != call]
            case TurnEnded():
                kept = [one for one in self.queue if one.session.id != entry.session]
            case _:
                return
        if len(kept) != len(self.queue):
            self.queue = kept
            self._fresh()

    def armed_in(self) -> float:
        """Seconds until the keys are the question's; 0: they are."""
        return max(0.0, max(self._since, self._typed()) + PAUSE - time.monotonic()) if self.queue else 0.0

    def takes_keys(self) -> bool:
        """Whether a key is an answer."""
        return bool(self.queue) and self.armed_in() <= 0

    def key(self, name: str, data: str) -> None:
        """What a key does."""
        options = self._options()
        match name:
            case "escape" | "c-c":
                self._give(None)
            case "c-m":
                self._enter(options)
            case "up" | "c-p" | "s-tab":
                self._at = (self._at - 1) % max(1, len(options))
            case "down" | "c-n" | "c-i":
                self._at = (self._at + 1) % max(1, len(options))
            case "c-h":
                self._query, self._at = self._query[:-1], 0
            case "c-u":
                self._query, self._at = "", 0
            case _ if data == " " and self._multiple and not self._query:
                self._mark(options)
            case _ if data.isprintable():
                self._query, self._at = self._query + data, 0
        self._changed()

    def lines(self, look: Look, rows: int) -> list[str]:
        """The question, its options, what the keys do. Where there is little room, the keys and the marked stay."""
        asked, now = self.queue[0], self._now
        count = f" ({len(asked.given) + 1} of {len(asked.questions)})" if len(asked.questions) > 1 else ""
        who = "A subagent asks" if asked.session.parent else str(now.get("header") or "Question")
        above = look.lines(f"? {who}{count}", style="bold yellow")
        text, options, below = look.lines(str(now.get("question", "")), first="  "), self._options(), list[str]()
        if not options or self._query:
            below = look.lines(f"{self._query}▏", first="  your words: ", style="bold" if not options else "dim")
        below += self._keys(look)
        room = max(2, rows - len(above) - len(below))
        most = max(1, room // 2) if options else room
        above += text if len(text) <= most else [*text[: most - 1], look.paint("  …", "dim")]
        shown = [self._option(option, number == self._at, look) for number, option in enumerate(options)]
        return [*above, *around(shown, self._at, room - min(most, len(text))), *below]

    def _keys(self, look: Look) -> list[str]:
        """What the keys do."""
        if not self.takes_keys():
            return look.lines("The question waits for a pause in your typing.", style="dim")
        words = ["enter answers", "type to answer in your own words", "esc declines"]
        return look.choices(["space marks"] * self._multiple + words, style="dim")

    @property
    def _now(self) -> dict[str, Any]:
        return self.queue[0].questions[len(self.queue[0].given)]

    @property
    def _multiple(self) -> bool:
        return bool(self._now.get("multiple"))

    def _options(self) -> list[dict[str, Any]]:
        found = [one for one in self._now.get("options") or [] if isinstance(one, dict)]
        return best(self._query, found, lambda one: str(one.get("label", "")))

    def _option(self, option: dict[str, Any], here: bool, look: Look) -> list[str]:
        label, about = str(option.get("label", "")), str(option.get("description") or "")
        mark = ("[x] " if label in self._marked else "[ ] ") if self._multiple else ""
        line = f"{mark}{label}{f'  {about}' if about else ''}"
        return look.lines(line, first="❯ " if here else "  ", then="    ", style="bold cyan" if here else "")

    def _mark(self, options: list[dict[str, Any]]) -> None:
        if options:
            label = str(options[self._at].get("label", ""))
            self._marked = [one for one in self._marked if one != label] + [label] * (label not in self._marked)

    def _enter(self, options: list[dict[str, Any]]) -> None:
        chosen = list(self._marked)
        if self._query and not options:
            chosen.append(self._query.strip())
        elif not chosen and options:
            chosen.append(str(options[self._at].get("label", "")))
        if chosen and chosen[-1]:
            self._give(chosen)

    def _give(self, texts: list[str] | None) -> None:
        asked = self.queue[0]
        if texts is not None:
            asked.given.append(texts)
        if texts is None or len(asked.given) == len(asked.questions):
            self.queue.pop(0)
            message = json.dumps(asked.given, ensure_ascii=False) if texts is not None else ""
            self._do(asked.session.submit(Approve(asked.call, texts is not None, message)))
        self._fresh()

    def _fresh(self) -> None:
        self._query, self._at, self._marked = "", 0, []
        self._since = time.monotonic()
        self._changed()


def around(blocks: list[list[str]], at: int, room: int) -> list[str]:
    """The lines of the block `at` and of as many around it as there is room for."""
    if not blocks:
        return []
    begin, end, left = at, at + 1, room - len(blocks[at])
    while True:
        if end < len(blocks) and len(blocks[end]) <= left:
            left -= len(blocks[end])
            end += 1
        elif begin > 0 and len(blocks[begin - 1]) <= left:
            begin -= 1
            left -= len(blocks[begin])
        else:
            return [line for block in blocks[begin:end] for line in block][: max(1, room)]
