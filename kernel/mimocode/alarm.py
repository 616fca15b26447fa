"""Stop plugin code that blocks the whole process, at import or in a hook.

A deadline ends what awaits, not `time.sleep(3600)`: a timer signal is set around plugin code that runs without
awaiting. Code that blocks inside C is out of reach, and so is every thread but the main one.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, NoReturn

from .errors import Overrun

LIMIT = 5.0  # seconds that plugin code may keep everything else waiting


@contextmanager
def alarm(plugin: str) -> Iterator[None]:
    """Raise `Overrun` in the code inside when it takes longer than `LIMIT`."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise Overrun(plugin, f"blocked everything for {LIMIT:g} s and was stopped")

    handler = signal.signal(signal.SIGALRM, ring)
    before = signal.setitimer(signal.ITIMER_REAL, LIMIT, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, handler)


class Watched:
    """An awaitable of a plugin, with the alarm set for every stretch between two awaits."""

    def __init__(self, plugin: str, answer: Awaitable[Any]) -> None:
        self.plugin, self.answer = plugin, answer

    def __await__(self) -> Generator[Any, Any, Any]:
        """Run it step by step."""
        steps = self.answer.__await__()
        go: Callable[[], Any] = partial(next, steps)
        while True:
            try:
                with alarm(self.plugin):
                    waits_for = go()
            except StopIteration as done:
                return done.value
            try:
                got = yield waits_for
            except BaseException as thrown:  # cancellation among them: the plugin's code is told
                go = partial(steps.throw, thrown)
            else:
                go = partial(steps.send, got) if got is not None else partial(next, steps)
