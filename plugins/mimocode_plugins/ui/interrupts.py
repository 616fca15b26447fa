"""Ctrl-C once stops the work and keeps the log whole; twice ends the process. SIGTERM and SIGHUP count as one."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

CODE = 130
"""Exit code of a run that was interrupted (128 + SIGINT)."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 3.0
"""Seconds that a polite request to stop may take before the task is cancelled."""


class Interrupts:
    """Turns signals into, first, a request to stop and, second, the end.

        with Interrupts() as interrupts:
            with interrupts.politely(lambda: session.submit(Interrupt())):
                await session.settled()
        if interrupts.came: ...

    Outside of `politely` the first signal cancels the task that entered the context.
    """

    def __init__(self) -> None:
        self.came = False
        self._ask: Callable[[], Any] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._before: list[Any] = []

    def __enter__(self) -> Interrupts:
        self._task = asyncio.current_task()
        self._before = [signal.getsignal(number) for number in SIGNALS]
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        for number, before in zip(SIGNALS, self._before, strict=True):
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, before or signal.SIG_DFL)
        if self.came and kind is asyncio.CancelledError and self._task is not None:
            self._task.uncancel()
            return True
        return False

    @contextmanager
    def politely(self, ask: Callable[[], Any]) -> Iterator[None]:
        """While this context lasts a signal calls `ask`, and cancels only if that does not help soon."""
        self._ask = ask
        try:
            yield
        finally:
            self._ask = None

    def stop(self) -> None:
        """What a signal does. Also called when nobody reads the results any more."""
        if self.came:
            os._exit(CODE)
        self.came = True
        assert self._task is not None
        if self._ask is None:
            self._task.cancel()
        else:
            self._ask()
            asyncio.get_running_loop().call_later(PATIENCE, self._cancel_if_asking)

    def _cancel_if_asking(self) -> None:
        if self._ask is not None and self._task is not None:
            self._task.cancel()
