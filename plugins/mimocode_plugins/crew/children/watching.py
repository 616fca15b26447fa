"""Whether a child gets anywhere: signs of life, and circles in what it does. It has no clock of its own."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mimocode.events import CallFinished, MessageAdded, TurnEnded, TurnStarted
from mimocode.messages import Text

if TYPE_CHECKING:
    from mimocode.events import Event

    from .settings import Bounds

LONGEST, ROUNDS = 4, 3
"""A pattern of up to LONGEST calls is a circle after ROUNDS rounds (runtime.md 1.7)."""


@dataclass
class Watch:
    """What was seen of one child."""

    last: float
    """When it last gave a sign of life."""
    turn: TurnEnded | None = None
    """How its last turn ended."""
    steps: int = 0
    circling: int = 0
    """Calls since a circle was noticed, the one that closed it included."""
    _asked: dict[str, str] = field(default_factory=dict)
    _done: deque[tuple[str, int]] = field(default_factory=lambda: deque(maxlen=LONGEST * ROUNDS))

    def saw(self, event: Event, now: float) -> None:
        """Take in what happened."""
        self.last = now
        if isinstance(event, TurnStarted):
            self.turn, self.steps, self.circling = None, 0, 0
            self._done.clear()
        elif isinstance(event, TurnEnded):
            self.turn = event
        elif isinstance(event, MessageAdded) and event.message.role == "assistant":
            self.steps += 1
            self._asked = {c.id: json.dumps([c.name, c.arguments], sort_keys=True) for c in event.message.calls}
        elif isinstance(event, CallFinished):
            came = hash("".join(block.text for block in event.content if isinstance(block, Text)))
            self._done.append((self._asked.get(event.call_id, ""), came))
            self.circling = self.circling + 1 if self._circle() else 0

    def _circle(self) -> bool:
        """The same calls with the same results, over and over."""
        done = list(self._done)
        for period in range(1, LONGEST + 1):
            tail = done[-period * ROUNDS :]
            if len(tail) == period * ROUNDS and all(tail[at] == tail[at % period] for at in range(len(tail))):
                return True
        return False

    def state(self, now: float, limits: Bounds, *, asking: str = "") -> tuple[str, str]:
        """How it stands, and why in a few words."""
        if asking:
            return "asking", f"waits for an approval of {asking}"
        if self.circling:
            return "looping", "repeats the same calls with the same results"
        if limits.stalled and now - self.last >= limits.stalled:
            return "stalled", f"no sign of life for {limits.stalled:g} s"
        return "running", ""

    def hopeless(self, now: float, limits: Bounds) -> str:
        """Why it should be ended, or ""."""
        if limits.give_up and now - self.last >= limits.give_up:
            return f"it gave no sign of life for {limits.give_up:g} s"
        if limits.loops and self.circling > limits.loops:
            return f"it repeated the same calls with the same results {ROUNDS + self.circling - 1} times"
        if limits.steps and self.steps > limits.steps:
            return f"it made {limits.steps} model calls without coming to an end"
        return ""
