"""A file as one string that can be compared and put into the log.

"" for no file, "<hash>:<mode>" for one whose content is kept, "?<what>" for what is there and not kept: a link, a
directory, a pipe, a file that is too large or cannot be read.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .blobs import LARGEST, Blobs

Stamp = tuple[int, int, int, int]


def shape(path: Path, blobs: Blobs, largest: int = LARGEST) -> str:
    """What is at a path now, its content kept. Links are not followed.

    Raises:
        OSError: the content could not be kept.
    """
    try:
        about = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError:
        return "?unreadable"
    if not stat.S_ISREG(about.st_mode):
        return "?link" if stat.S_ISLNK(about.st_mode) else "?directory" if path.is_dir() else "?odd"
    if about.st_size > largest:
        return _unread(about)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return f"?unreadable {about.st_size} {about.st_mtime_ns}"
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(largest + 1)
    return f"{blobs.keep(data)}:{stat.S_IMODE(about.st_mode):o}"


def unread(path: Path) -> str:
    """What is at a path now, without a look into it."""
    try:
        about = path.lstat()
    except OSError:
        return ""
    return "?link" if stat.S_ISLNK(about.st_mode) else _unread(about)


def _unread(about: os.stat_result) -> str:
    return f"?large {about.st_size} {about.st_mtime_ns}"


def stamp(about: os.stat_result) -> Stamp:
    """What differs when a file was changed."""
    return about.st_size, about.st_mtime_ns, about.st_ctime_ns, about.st_ino


def content(state: str, blobs: Blobs) -> bytes | None:
    """The content that a file had; b"" for no file, None when it is not kept (any more)."""
    if not state:
        return b""
    return None if state.startswith("?") else blobs.load(state.partition(":")[0])


def mode(state: str) -> int:
    """The permission bits that a file had."""
    return int(state.partition(":")[2] or "644", 8)


def kept(state: str, blobs: Blobs) -> bool:
    """Whether a file can be made to be like this."""
    return not state or (not state.startswith("?") and blobs.has(state.partition(":")[0]))


def why_not(state: str) -> str:
    """Why a file cannot be made to be like this, in words."""
    reasons = {"?link": "it was a link", "?directory": "it was a directory", "?odd": "it was no regular file"}
    reasons |= {"?large": "it was too large to keep, or there was no time", "?unreadable": "it could not be read"}
    return reasons.get(state.partition(" ")[0], "its old content is not kept any more")
