"""Lines on stdout. A reader that goes away (`| head`) ends the program quietly: `main` sees to that."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterable

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC and the like: titles, clipboard, links
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
    re.DOTALL,
)


def put(lines: Iterable[str]) -> None:
    """Write lines; characters that the terminal's encoding lacks become question marks."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def page(lines: Iterable[str]) -> None:
    """Write lines, through `less` when they are more than a terminal shows at once."""
    lines = list(lines)
    less = shutil.which("less")
    if less and sys.stdout.isatty() and len(lines) >= shutil.get_terminal_size().lines:
        subprocess.run([less, "-R", "-S"], input="\n".join(lines).encode(), check=False)
    else:
        put(lines)


def plain(text: str) -> str:
    """Text that cannot command the terminal: whoever wrote it was a model, a tool or a stranger's file."""
    return _CONTROL.sub("", text)


def line(text: str, width: int) -> str:
    """The first line of a text, cut to so many columns."""
    first = next((part.strip() for part in plain(text).splitlines() if part.strip()), "")
    if columns(first) <= width:
        return first
    cut, room = "", width - 1
    for char in first:
        room -= columns(char)
        if room < 0:
            break
        cut += char
    return cut + "…"


def columns(text: str) -> int:
    """How wide a terminal draws a text (Unicode TR 11)."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def fill(text: str, width: int) -> str:
    """A text and spaces up to a width."""
    return text + " " * (width - columns(text))
