"""One command from start to end: its own session and process group, output through a pipe, a limit in time."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .groups import Groups, alive
from .spool import Spool

Progress = Callable[[str], Awaitable[None]]

_CHUNK = 65_536
_PROGRESS = 0.1
"""Seconds between two reports."""
_REPORTED = 30_000
"""Bytes of output in one report; of more, the last."""
_PIPE_GRACE = 0.2
"""Seconds that what the shell started may hold the pipe after the shell is gone, before we go on without it."""
_PAUSES = (0.001, 0.002, 0.005, 0.01, 0.01)
"""Seconds between looks at what may be about to end."""
_YOUNG = 2.0
"""Seconds in which no machine starts so many processes that their numbers begin again."""


@dataclass(frozen=True)
class Ending:
    """How a command ended. `exit` is the shell's code, negative for a signal."""

    exit: int
    timed_out: bool = False
    overflowed: bool = False
    left_running: bool = False


@cache
def shell() -> str:
    """Bash if there is one, because that is what models write and guards parse; else the system's shell."""
    return shutil.which("bash") or "/bin/sh"


class Running:
    """A started command."""

    def __init__(
        self, argv: Sequence[str], directory: Path, env: Mapping[str, str], spool: Spool, groups: Groups
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.spool, self._groups = spool, groups
        self._eof, self._gone, self._overflow = (self._loop.create_future() for _ in range(3))
        self._released, self._exit_fd, self._began = False, -1, self._loop.time()
        self._pipe, write_end = os.pipe()
        try:
            with groups.starting():
                self._process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=write_end,
                    stderr=write_end,
                    cwd=directory,
                    env=dict(env),
                    start_new_session=True,
                )
                self.group = self._process.pid
                groups.started(self.group)
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(write_end)
        os.set_blocking(self._pipe, False)
        self._loop.add_reader(self._pipe, self._read)
        self._watch_exit()

    async def ending(self, seconds: float | None, progress: Progress | None = None) -> Ending:
        """Wait for the end, reporting new output on the way; `seconds` is the limit, None for none.

        A command that is over its time is ended with everything it started. When this is cancelled the same happens,
        but in the background: the cancellation does not wait.
        """
        reporting = asyncio.create_task(self._report(progress)) if progress else None
        try:
            await asyncio.wait({self._gone, self._overflow}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            timed_out, overflowed = not self._gone.done(), self._overflow.done()
            if timed_out:
                self._groups.end(self.group)
                await self._gone
            left = await self._left_running(ended=timed_out)
            return Ending(self._process.returncode, timed_out and not overflowed, overflowed, left)
        except asyncio.CancelledError:
            self._groups.end(self.group)
            raise
        finally:
            if reporting:
                reporting.cancel()

    def stop(self) -> None:
        """End the command with everything it started; returns at once."""
        self._groups.end(self.group)

    async def _left_running(self, ended: bool) -> bool:
        """Whether something that the shell started is still there after it."""
        if not self._eof.done():
            await asyncio.wait({self._eof}, timeout=_PIPE_GRACE)
        for pause in _PAUSES:
            if not alive(self.group, self._loop.time() - self._began < _YOUNG):
                break
            await asyncio.sleep(pause)  # it may have closed the pipe and be about to be gone
        else:
            return not ended
        self._groups.ended(self.group)
        return not self._eof.done()

    def _read(self) -> None:
        """Take output off the pipe, also of what stays behind in the background, so that it is not blocked."""
        try:
            data = os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data and not self.spool.full:
            self.spool.write(data)
            if self.spool.full and not self._overflow.done():
                self._overflow.set_result(None)
        if not data:
            self.close()

    def close(self) -> None:
        """Stop listening to the pipe."""
        if not self._eof.done():
            self._eof.set_result(None)
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            if self._released:
                self.spool.close()

    def release(self) -> None:
        """The output was shown: its file is closed when nothing more comes."""
        self._released = True
        if self._eof.done():
            self.spool.close()

    @property
    def over(self) -> bool:
        """The shell is gone, and so is everything that could still print."""
        return self._eof.done() and self._gone.done()

    def reap(self) -> None:
        """Collect the shell, which has ended or will at once."""
        if self._gone.done():
            return
        self._process.wait()
        if self._exit_fd >= 0:
            self._loop.remove_reader(self._exit_fd)
            os.close(self._exit_fd)
        self._gone.set_result(None)

    def _watch_exit(self) -> None:
        try:
            self._exit_fd = os.pidfd_open(self._process.pid)
        except (AttributeError, OSError):  # not Linux, or an old one: a thread waits
            self._waiting = self._loop.run_in_executor(None, self._process.wait)
            self._waiting.add_done_callback(lambda _: self.reap())
        else:
            self._loop.add_reader(self._exit_fd, self.reap)

    async def _report(self, progress: Progress) -> None:
        told = 0
        while True:
            await asyncio.sleep(_PROGRESS)
            if (size := self.spool.size) > told:
                start = max(told, size - _REPORTED)
                await progress(self.spool.between(start, size).decode("utf-8", "replace"))
                told = size
