"""Stop plugin code that blocks the whole process.

The deadline of a hook ends what awaits; it cannot end `time.sleep(3600)` or an endless loop, at import or in a hook.
While the watchdog is armed the event loop leaves a beat now and then; when the beats stop, a signal interrupts the
main thread, and if plugin code is on the stack an exception is raised right there. Code that blocks inside C without
returning to the interpreter is out of reach.
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

from .errors import Overrun

LIMIT = 5.0
"""Seconds that plugin code may keep everything else waiting."""
BEAT = 0.5


class Blocked(Overrun):
    """A plugin kept the whole process waiting."""

    def __init__(self, plugin: str) -> None:
        super().__init__(plugin, f"blocked everything for {LIMIT:g} s and was stopped")


class Watchdog:
    """Armed while plugins may run, asleep (no thread, no timer) while the session is idle."""

    def __init__(self) -> None:
        self._armed = 0
        self._beat = 0.0
        self._over = threading.Event()
        self._callers: dict[CodeType, Callable[[FrameType], str]] = {}

    def blame(self, code: CodeType, plugin: Callable[[FrameType], str]) -> None:
        """Say how to learn the plugin's name from a frame that runs `code`, the caller of plugins."""
        self._callers[code] = plugin

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Watch until the context ends. Contexts may nest and overlap."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals reach the main thread only
            return
        self._armed += 1
        if self._armed == 1:
            self._start()
        try:
            yield
        finally:
            self._armed -= 1
            if not self._armed:
                self._over.set()
                signal.signal(signal.SIGALRM, self._before)

    def _start(self) -> None:
        self._over = threading.Event()
        self._before = signal.signal(signal.SIGALRM, self._interrupt)
        self._beat = time.monotonic()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            pass  # at start-up there is no loop yet; the one beat counts
        else:
            self._beats(loop, self._over)
        threading.Thread(target=self._watch, args=(self._over,), name="watchdog", daemon=True).start()

    def _beats(self, loop: asyncio.AbstractEventLoop, over: threading.Event) -> None:
        self._beat = time.monotonic()
        if not over.is_set():
            loop.call_later(BEAT, self._beats, loop, over)

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(BEAT):
            if time.monotonic() - self._beat > LIMIT:
                self._beat = time.monotonic()  # one interruption, then another full limit
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    def _interrupt(self, _signal: int, frame: FrameType | None) -> None:
        while frame is not None:
            if (plugin := self._callers.get(frame.f_code)) is not None and (name := plugin(frame)):
                raise Blocked(name)
            frame = frame.f_back
