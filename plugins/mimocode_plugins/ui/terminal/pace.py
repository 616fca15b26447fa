"""When to draw: soon after something changed, at most thirty times a second, never when nothing did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

FRAME = 1 / 30
"""Seconds between two frames. Keys do not wait for it."""


class Pace:
    """Calls `draw` for changes. `again` says in how many seconds there will be a change by itself, 0 for never."""

    def __init__(self, draw: Callable[[], None], again: Callable[[], float]) -> None:
        self._draw, self._again = draw, again
        self._timer: asyncio.TimerHandle | None = None
        self._at = self._last = 0.0

    def changed(self) -> None:
        """Something is different."""
        self._plan(self._last + FRAME)

    def stop(self) -> None:
        """Draw no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self, at: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._at <= at:
                return
            self._timer.cancel()
        self._at = at
        self._timer = loop.call_at(max(at, loop.time()), self._frame)

    def _frame(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        self._draw()
        if pause := self._again():
            self._plan(self._last + pause)
