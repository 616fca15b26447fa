"""What may reach a terminal, and in which colour.

Text from models, tools, file names and plugins is not ours: an escape sequence in it could rewrite the screen, set
the clipboard or hide what an agent did (demands.md section 4, CVEs of other agents). So everything that is not
plain text is made visible before it is written.
"""

from __future__ import annotations

import os
import re
import sys
from typing import IO, Any

from mimocode.errors import UsageError

# Controls other than newline and tab; C1 (0x9b starts a sequence in many terminals); characters that reorder text.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)
_UNSEEN = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
"""Characters that take no room or look like blanks; in a command each can hide something."""
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def visible(text: str) -> str:
    """Text for a terminal: what would steer the terminal is shown as a picture or an escape instead."""
    return _HIDDEN.sub(_picture, text.replace("\r\n", "\n"))


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def revealed(text: str) -> str:
    """Text with every invisible character spelled out."""
    return _UNSEEN.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text)


def one_line(text: str, limit: int = 160) -> str:
    """The text on one visible line, cut at `limit` characters."""
    flat = visible(" ".join(text.split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def safe_json(text: str) -> str:
    """A line of JSON whose strings hold no character that steers a terminal; it decodes to the same value."""
    return _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class Screen:
    """A stream that people read: colours only where they are wanted, and never an error when nobody reads."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.terminal = _is_terminal(stream)
        self._colour = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def paint(self, text: str, *styles: str) -> str:
        """The text, made visible, in these styles (`bold`, `dim`, `red`, ...) where colours are wanted."""
        shown = visible(text)
        if not self._colour or not styles or not shown:
            return shown
        codes = ";".join(_STYLES[style] for style in styles)
        return "\n".join(f"\x1b[{codes}m{line}\x1b[0m" if line else "" for line in shown.split("\n"))

    def line(self, painted: str = "") -> None:
        """Write a line that `paint` or `visible` has made."""
        self.write(painted + "\n")

    def write(self, painted: str) -> None:
        """Write at once what `paint` or `visible` has made; a reader that went away is not an error here."""
        try:
            self._stream.write(painted)
            self._stream.flush()
        except (OSError, ValueError):
            return


class Results:
    """Standard output: what a script reads. `gone` turns true when the reader went away (SIGPIPE)."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self.terminal = _is_terminal(self._stream)
        self.gone = False

    def write(self, text: str) -> None:
        """Write and flush; after the reader went away, nothing happens any more."""
        if self.gone:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self.gone = True
            silence(self._stream)
        except OSError as error:
            self.gone = True
            silence(self._stream)
            raise UsageError(f"standard output cannot be written: {error.strerror or error}") from None


def silence(stream: Any) -> None:
    """Let a broken stream lead nowhere, so that the interpreter does not complain when it flushes it at the end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        return


def all_there() -> None:
    """Put something that leads nowhere in the place of standard streams that were closed: everybody counts on them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def speak_utf8() -> None:
    """Write UTF-8 whatever the locale says, and never fail on a character."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False
