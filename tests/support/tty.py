"""A real pseudo-terminal with a virtual screen (pyte): what a person sees, and every byte that was written."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyte

from support.cli import Cli

PATIENCE = 60.0
"""Seconds that something may take to appear."""
BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"
"""The marks of synchronized output (DEC mode 2026)."""


def whole(data: bytes) -> int:
    """How many of these bytes a terminal with synchronized output shows: nothing of a frame that is not yet complete."""
    begin = data.rfind(BEGIN)
    if begin >= 0 and data.find(END, begin) < 0:
        return begin
    cut = data.rfind(b"\x1b", -len(BEGIN))
    return cut if cut >= 0 and BEGIN.startswith(data[cut:]) else len(data)


class Tty:
    """One process on a terminal of its own.

    with terminal(cli, "chat", "-m", model, columns=80, rows=24) as tty:
        tty.wait("Say what to do")
        tty.send("hello\\r")
    """

    def __init__(self, pid: int, handle: int, columns: int, rows: int) -> None:
        self.pid, self._handle = pid, handle
        self._screen = pyte.HistoryScreen(columns, rows, history=100_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self._pending = b""
        self.raw = b""
        """Everything that the process has written."""
        self.code: int | None = None

    @property
    def lines(self) -> list[str]:
        """The rows of the screen, without blanks at their ends; empty rows at the end are left out."""
        rows = [row.rstrip() for row in self._screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def scrolled(self) -> list[str]:
        """The rows that have left the screen at its top."""
        columns = self._screen.columns
        return ["".join(row[x].data for x in range(columns)).rstrip() for row in self._screen.history.top]

    @property
    def text(self) -> str:
        """All rows, those that have left the screen first."""
        return "\n".join([*self.scrolled, *self.lines])

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def send(self, keys: str | bytes) -> None:
        """Type."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            self.read(0)
            _, ready, _ = select.select([], [self._handle], [], 1)
            if ready:
                data = data[os.write(self._handle, data[:1024]) :]

    def wait(self, wanted: str | Callable[[Tty], Any], patience: float = PATIENCE) -> None:
        """Read until a regular expression is found in all the text, or a condition holds."""
        until = time.monotonic() + patience
        holds = (lambda tty: re.search(wanted, tty.text)) if isinstance(wanted, str) else wanted
        while not holds(self):
            left = until - time.monotonic()
            if left <= 0 or not self.read(left):
                if holds(self):
                    return
                shown = "\n".join(self.lines)
                raise AssertionError(f"{wanted!r} did not appear. The screen:\n{shown}\nEverything:\n{self.text}")

    def quiet(self, seconds: float, patience: float = PATIENCE) -> None:
        """Read until nothing has been written for so long."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not select.select([self._handle], [], [], seconds)[0] or not self.read(0):
                return
        raise AssertionError("it is never quiet")

    def read(self, seconds: float) -> bool:
        """Take in what is written within a time; False when the process has ended."""
        ready, _, _ = select.select([self._handle], [], [], seconds)
        if not ready:
            return seconds == 0
        try:
            data = os.read(self._handle, 65536)
        except OSError:
            data = b""
        self.raw += data
        self._pending += data
        size = whole(self._pending) if data else len(self._pending)
        self._stream.feed(self._pending[:size])
        self._pending = self._pending[size:]
        return bool(data)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen.resize(rows, columns)
        os.kill(self.pid, signal.SIGWINCH)

    def end(self, patience: float = PATIENCE) -> int:
        """Read until the process has ended; its exit code."""
        until = time.monotonic() + patience
        while time.monotonic() < until and self.read(0.2) is not None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                with contextlib.suppress(OSError):
                    while select.select([self._handle], [], [], 0)[0] and self.read(0):
                        pass
                self.code = os.waitstatus_to_exitcode(status)
                return self.code
        raise AssertionError(f"it did not end. The screen:\n{self.text}")

    def close(self) -> None:
        """Kill what is left."""
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._handle)


@contextmanager
def terminal(cli: Cli, *words: str, columns: int = 80, rows: int = 24, **env: str) -> Iterator[Tty]:
    """Run a command line on a terminal."""
    reading, writing = os.pipe()
    pid, handle = pty.fork()
    if pid == 0:
        os.close(writing)
        os.read(reading, 1)  # the terminal has its size
        os.chdir(cli.project)
        environment = {**cli.env, "TERM": "xterm-256color", **env}
        os.execve(sys.executable, [sys.executable, "-m", "mimocode.main", *words], environment)
    os.close(reading)
    fcntl.ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.close(writing)
    tty = Tty(pid, handle, columns, rows)
    try:
        yield tty
    finally:
        tty.close()
