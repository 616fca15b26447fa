"""Stop plugin code that blocks the whole process, at import or in a hook.

A deadline ends what awaits, not `time.sleep(3600)`: a timer signal is set around plugin code that runs without
awaiting. Code that blocks inside C is out of reach, and so is every thread but the main one.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from time import monotonic
from types import FrameType
from typing import Any, ClassVar

from .errors import Overrun

LIMIT = 10.0  # seconds that plugin code may keep everything else waiting; on a busy machine imports take some
_MAIN = threading.main_thread().ident


class alarm:
    """Raise `Overrun` in the code inside when it takes longer than `LIMIT`; what it calls has a limit of its own.

    One timer serves all, set again when it rings too early: setting it for each call is most of what a call costs.
    """

    runs: ClassVar[tuple[str, float] | None] = None  # the plugin whose code the main thread runs, and since when
    set: ClassVar = False

    def __init__(self, plugin: str) -> None:
        self.plugin, self.rings = plugin, threading.get_ident() == _MAIN

    def __enter__(self) -> None:
        if self.rings:
            self.outer, self.began = alarm.runs, monotonic()
            alarm.runs = (self.plugin, self.began)
            if not alarm.set:
                _set(LIMIT)

    def __exit__(self, *_: object) -> None:
        if self.rings:
            alarm.runs = self.outer and (self.outer[0], self.outer[1] + monotonic() - self.began)


def _set(seconds: float) -> None:
    alarm.set = True
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _ring(_signal: int, _frame: FrameType | None) -> None:
    alarm.set = False
    if alarm.runs is not None:
        left = alarm.runs[1] + LIMIT - monotonic()
        _set(left if left > 0 else LIMIT)
        if left <= 0:
            raise Overrun(alarm.runs[0], f"blocked everything for {LIMIT:g} s and was stopped")


class Watched:
    """An awaitable of a plugin, with the alarm set for every stretch between two awaits; the first runs at once."""

    def __init__(self, plugin: str, answer: Awaitable[Any]) -> None:
        self.plugin, self.steps = plugin, answer.__await__()
        self.done, self.value = False, None
        self._run(partial(next, self.steps))

    def _run(self, stretch: Callable[[], Any]) -> None:
        try:
            with alarm(self.plugin):
                self.waits_for = stretch()
        except StopIteration as done:
            self.done, self.value = True, done.value

    def __await__(self) -> Generator[Any, Any, Any]:
        """Run the rest step by step."""
        while not self.done:
            try:
                got = yield self.waits_for
            except BaseException as thrown:  # cancellation among them: the plugin's code is told
                self._run(partial(self.steps.throw, thrown))
            else:
                self._run(partial(self.steps.send, got) if got is not None else partial(next, self.steps))
        return self.value
