"""Stop plugin code that blocks the whole process, at import or in a hook.

A deadline ends what awaits, not `time.sleep(3600)`: a timer signal is set around plugin code that runs without
awaiting. Code that blocks inside C is out of reach, and so is every thread but the main one.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from functools import cache, partial
from types import FrameType
from typing import Any, NoReturn

from .errors import Overrun

LIMIT = 5.0  # seconds that plugin code may keep everything else waiting
_running: ContextVar[str] = ContextVar("running")


class alarm:
    """Raise `Overrun` in the code inside when it takes longer than `LIMIT`."""

    def __init__(self, plugin: str) -> None:
        self.plugin, self.rings = plugin, threading.current_thread() is threading.main_thread()

    def __enter__(self) -> None:
        if self.rings:
            _listen()
            self.outer = _running.set(self.plugin)
            self.before = signal.setitimer(signal.ITIMER_REAL, LIMIT, LIMIT)

    def __exit__(self, *_: object) -> None:
        if self.rings:
            signal.setitimer(signal.ITIMER_REAL, *self.before)
            _running.reset(self.outer)


@cache  # once for the process: around every call of every hook it would be a tenth of a step's time
def _listen() -> None:
    def ring(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise Overrun(_running.get("?"), f"blocked everything for {LIMIT:g} s and was stopped")

    signal.signal(signal.SIGALRM, ring)


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
