"""An approval in the place of the prompt: armed after a pause in the typing, so that no letter says yes by chance."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from ..shown.look import Look
from .asking import body, keys
from .desk import Desk, Waiting
from .live import fit

PAUSE = 0.6
"""Seconds without a key before a question takes the keys."""


class Approving:
    """The first question of the desk, as something that takes the keys."""

    def __init__(
        self,
        desk: Desk,
        typed: Callable[[], float],
        do: Callable[[Awaitable[Any]], None],
        lend: Callable[[str | None], None] = lambda text: None,
    ) -> None:
        self._desk, self._typed, self._do, self._lend = desk, typed, do, lend
        self._since = 0.0
        self._shown: Waiting | None = None
        self._cut: Waiting | None = None
        self._printed: Waiting | None = None
        self.explaining = False
        """The user is typing why not, or a rule; the prompt has the keys."""
        self.wording = False
        """What is typed is the rule to remember."""

    def pending(self) -> bool:
        """Whether a question is there; notes since when."""
        first = self._desk.first
        if first is not self._shown:
            self._shown, self._since = first, time.monotonic()
            self.withdraw()
        return first is not None

    def armed_in(self) -> float:
        """Seconds until the keys are the question's; 0: they are."""
        return max(0.0, max(self._since, self._typed()) + PAUSE - time.monotonic())

    def takes_keys(self) -> bool:
        """Whether a key is an answer."""
        return self.pending() and not self.explaining and self.armed_in() <= 0

    def lines(self, look: Look, rows: int) -> list[str]:
        """The question; when there is little room, its end gives way and the keys stay."""
        one = self._desk.first
        if one is None:
            return []
        below = keys(one, look, len(self._desk.queue) - 1, self.armed_in() <= 0)
        if self.explaining:
            words = "Enter allows it always by this rule · esc goes back"
            words = words if self.wording else "Enter denies it with these words · esc goes back"
            below = look.choices(look.say(words).split(" · "), style="bold")
        above = body(one, look)
        room = max(2, rows - len(below) - 1)
        if len(above) > room:
            above = [
                *above[: room - 1],
                look.paint(fit("… more than fits: see above, in the scrollback", look.width), "yellow"),
            ]
            if self._cut is not one:
                self._cut = one
                self._desk.changed()
        return [*above, "", *below]

    def whole(self, look: Look) -> list[str]:
        """The whole question for the scrollback, once, when the live region had no room for it."""
        if self._cut is None or self._cut is self._printed:
            return []
        self._printed = self._cut
        return body(self._cut, look)

    def key(self, name: str, data: str) -> None:
        """Answer."""
        one = self._desk.first
        if one is None or name == "paste":  # what is pasted is no answer
            return
        offered = bool(one.asked.offer)
        match data.lower():
            case "y":
                self._do(self._desk.answer(True))
            case "s" if offered:
                self._do(self._desk.answer(True, remember="session"))
            case "a" if offered:
                self._do(self._desk.answer(True, remember="project"))
            case "u" if offered:
                self._do(self._desk.answer(True, remember="user"))
            case "e" if offered:
                self.explaining = self.wording = True
                self._lend("\n".join(one.asked.offer))
            case "n":
                self._do(self._desk.answer(False))
            case "m":
                self.explaining, self.wording = True, False
                self._lend("")
            case _ if name in ("escape", "c-c"):
                self._do(self._desk.answer(False))

    def explain(self, message: str) -> bool:
        """Deny, and say why; or allow by the rule that was written. False: such a rule says nothing about this."""
        wording, one = self.wording, self._desk.first
        if wording and one is not None and not _about(message, one.asked.offer):
            return False
        self.withdraw()
        if one is not None:
            self._do(self._desk.answer(wording, message, "project" if wording else ""))
        return True

    def withdraw(self) -> None:
        """The prompt is the user's again."""
        if self.explaining:
            self.explaining = self.wording = False
            self._lend(None)


def _about(rules: str, offered: Iterable[str]) -> bool:
    """Whether one of the lines is a rule of a kind that was offered, such as "bash: git *"."""
    kinds = {rule.partition(": ")[0] for rule in offered}
    parts = [line.strip().partition(": ") for line in rules.splitlines()]
    return any(kind in kinds and bool(pattern.strip()) for kind, _, pattern in parts)
