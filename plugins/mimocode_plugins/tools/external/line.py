"""A connection that is made again when it ended between two calls, and not more often than makes sense."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mimocode.errors import ToolFailed

_TRIES, _PERIOD = 4, 60.0
"""How often a server may be started within how many seconds before it is left alone."""


def pause(starts: int) -> float:
    """Seconds to wait before a start, when there were so many lately, this one included."""
    return 0.0 if starts < 2 else 0.25 * 2.0 ** (starts - 2)


class Starts:
    """How often a server was started lately."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def check(self) -> None:
        """Whether it may be started now; `ToolFailed` if it was too often."""
        now = time.monotonic()
        self._times = [start for start in self._times if now - start < _PERIOD]
        if len(self._times) >= _TRIES:
            raise ToolFailed(f"it stopped {len(self._times)} times within a minute and is left alone for a while")

    async def next(self) -> None:
        """Count a start, and wait until it may be made."""
        self.check()
        self._times.append(time.monotonic())
        await asyncio.sleep(pause(len(self._times)))


class Line:
    """A client of a server, another one after the first was lost.

    `connect` is called with what the connection calls when it ended by itself. Each client lives in a task of its own,
    because it must be closed by the task that opened it.
    """

    def __init__(self, connect: Callable[[Callable[[], None]], AbstractAsyncContextManager[Any]]) -> None:
        self._connect = connect
        self._tasks: list[asyncio.Task[None]] = []
        self._made: asyncio.Future[Any] | None = None
        self._gone = asyncio.Event()

    async def client(self) -> Any:
        """The client; raises what kept it from being connected."""
        if self._made is None or self._gone.is_set():
            self._made, self._gone = asyncio.get_running_loop().create_future(), asyncio.Event()
            self._tasks = [task for task in self._tasks if not task.done()]
            self._tasks.append(asyncio.create_task(self._live(self._made, self._gone)))
        return await asyncio.shield(self._made)

    def lost(self) -> None:
        """The client is of no use any more."""
        self._gone.set()

    async def close(self) -> None:
        """Close what is open."""
        self._gone.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=4)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2)

    async def _live(self, made: asyncio.Future[Any], gone: asyncio.Event) -> None:
        try:
            async with self._connect(gone.set) as client:
                made.set_result(client)
                await gone.wait()
        except BaseException as error:
            gone.set()
            if made.done():  # it broke while it was closed: nobody needs it any more
                return
            made.set_exception(error if isinstance(error, Exception) else ConnectionAbortedError("closed meanwhile"))
            made.exception()  # seen, even if nobody asks
