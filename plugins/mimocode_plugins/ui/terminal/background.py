"""Whether the terminal is dark or light: asked once, before anything is painted, and never waited for long."""

from __future__ import annotations

import os
import re
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Mapping

PATIENCE = 0.2
"""Seconds for an answer. Terminals answer in milliseconds, or never."""
_ANSWERS = re.compile(rb"\x1b\]11;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[\?[\d;]*c")
_ANSWER = re.compile(rb"\x1b\]11;rgb:([0-9a-fA-F]{2,4})/([0-9a-fA-F]{2,4})/([0-9a-fA-F]{2,4})")


Typed = Callable[[bytes], None]


def is_dark(wish: str, environ: Mapping[str, str], *, ask: Typed | None) -> bool:
    """Whether to use dark colours' counterpart of a light terminal: the wish, what the environment says, the terminal.

    Args:
        wish: "auto", "dark" or "light".
        ask: the terminal itself may be asked, only before anything else reads from it; gets what the user typed
            meanwhile.
    """
    if wish in ("dark", "light"):
        return wish == "dark"
    said = environ.get("COLORFGBG", "").rpartition(";")[2]
    if said.isdecimal():
        return int(said) in (*range(7), 8)
    brightness = brightness_of(_asked(ask)) if ask else None
    return brightness is None or brightness < 0.5


def brightness_of(answer: bytes) -> float | None:
    """How bright the colour in an answer to OSC 11 is, from 0 to 1 (ITU-R BT.709); None when it holds none."""
    found = _ANSWER.search(answer)
    if found is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


def _asked(typed: Typed) -> bytes:
    """What the terminal answers; a question that all of them answer comes after it, so that there is an end."""
    answer = b""
    try:
        handle = sys.stdin.fileno()
        before = termios.tcgetattr(handle)
        try:
            tty.setcbreak(handle, termios.TCSANOW)
            os.write(sys.stdout.fileno(), b"\x1b]11;?\x07\x1b[c")
            until = time.monotonic() + PATIENCE
            while (left := until - time.monotonic()) > 0 and not re.search(rb"\x1b\[\?[\d;]*c", answer):
                if select.select([handle], [], [], left)[0]:
                    answer += os.read(handle, 1024)
        finally:
            termios.tcsetattr(handle, termios.TCSADRAIN, before)
    except (OSError, ValueError, termios.error):
        return b""
    if keys := _ANSWERS.sub(b"", answer):
        typed(keys)
    return answer
