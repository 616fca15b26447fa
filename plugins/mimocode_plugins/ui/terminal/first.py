"""The first thing that is seen: a prompt, before all that it takes to answer a key is loaded. Keys wait until then."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..shown.words import spoken
from .tuning import tuned

if TYPE_CHECKING:
    from mimocode.host import Host

PLACEHOLDER = "Say what to do. / for commands, @ for files, ! for the shell"
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"


class First:
    """A prompt that nobody answers yet. Made for a terminal; elsewhere everything here does nothing."""

    def __init__(self) -> None:
        self._handle = -1
        self._modes: list[Any] = []

    def show(self, coloured: bool, words: bool) -> None:
        """Draw it, and keep what is typed from now on for whoever reads next.

        Args:
            coloured: in the colours that are usual.
            words: the words belong to it; else there is only the sign.
        """
        self._handle = sys.stdin.fileno()
        self._modes = termios.tcgetattr(self._handle)
        quiet = termios.tcgetattr(self._handle)
        quiet[0] &= ~termios.ICRNL
        quiet[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(self._handle, termios.TCSANOW, quiet)
        sign, text = "❯ ", PLACEHOLDER[: max(0, os.get_terminal_size(self._handle).columns - 3)] if words else ""
        if coloured:
            sign, text = "\x1b[1;36m❯\x1b[0m ", f"\x1b[90m{text}\x1b[0m"
        self._write(f"{_BEGIN}\r\n\r{sign}{text}\r\n  {'opening' if words else ''}\x1b[A\r\x1b[2C{_END}")

    def hand_over(self) -> None:
        """Leave the terminal as it was, the cursor where the prompt begins: the next frame is drawn over it."""
        if self._modes:
            self._write("\x1b[A\r")
            termios.tcsetattr(self._handle, termios.TCSANOW, self._modes)
            self._modes = []

    def clear(self) -> None:
        """Take it away: something else has to be said first."""
        if self._modes:
            self.hand_over()
            self._write("\x1b[K\x1b[B\x1b[K\x1b[B\x1b[K\x1b[2A\r")

    def _write(self, text: str) -> None:
        with suppress(OSError):
            os.write(sys.stdout.fileno(), text.encode())


@contextmanager
def first(host: Host, plain: bool) -> Iterator[First]:
    """Show a prompt at once, unless it will be read out; whatever happens, the terminal is given back."""
    prompt = First()
    try:
        if sys.stdin.isatty() and sys.stdout.isatty():
            tuning = tuned(host)
            if not plain and not tuning["screen_reader"]:
                usual = not os.environ.get("NO_COLOR") and os.environ.get("TERM") not in ("dumb", "unknown")
                english = spoken(tuning["language"], os.environ) == "en"
                with suppress(OSError, ValueError, termios.error):
                    prompt.show(usual and not tuning["theme"], english)
        yield prompt
    finally:
        prompt.clear()
