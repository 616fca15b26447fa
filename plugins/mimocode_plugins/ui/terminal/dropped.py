"""Files that are dropped on the terminal or pasted by their path: terminals quote them as for a shell."""

from __future__ import annotations

import mimetypes
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

LONGEST = 4096
"""Characters beyond which a paste is no path."""


def dropped(text: str, directory: Path) -> list[Path]:
    """The files that a pasted text names and names nothing else; none when it is just text.

    Understands what terminals make of a dropped file: quotes, backslashes before blanks, file:// addresses, several
    with blanks between them.
    """
    line = text.strip()
    if not line or len(line) > LONGEST or "\n" in line:
        return []
    for words in ([line], _split(line)):
        found = [_file(word, directory) for word in words]
        paths = [path for path in found if path is not None]
        if paths and len(paths) == len(found):
            return paths
    return []


def is_image(path: Path) -> bool:
    """Whether models can look at it: an image or a PDF, by its name. SVG is text."""
    kind = mimetypes.guess_type(path.name)[0] or ""
    return kind == "application/pdf" or (kind.startswith("image/") and kind != "image/svg+xml")


def quoted(path: str) -> str:
    """A path as it may stand behind `@`: in quotes when there are blanks in it."""
    return f'"{path}"' if any(letter.isspace() for letter in path) else path


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _file(word: str, directory: Path) -> Path | None:
    """The file of an absolute path; an image also by a relative one."""
    if word.startswith("file://"):
        parts = urlsplit(word)
        if parts.netloc not in ("", "localhost"):
            return None
        word = unquote(parts.path)
    try:
        path = Path(word).expanduser()
        known = (path.is_absolute() or is_image(path)) and (directory / path).is_file()
    except (OSError, RuntimeError, ValueError):
        return None
    return directory / path if known else None
