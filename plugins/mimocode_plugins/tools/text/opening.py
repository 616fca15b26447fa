"""Open what is safe to read: regular files. Never a pipe, a device or a socket, which could hang or never end."""

from __future__ import annotations

import difflib
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO

from mimocode.errors import ToolFailed

from ..place import because, show

_SECRET = re.compile(r"/proc/[^/]+/(task/[^/]+/)?(environ|mem)$")
_NAMES = 10_000


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading; the caller closes it.

    Raises:
        ToolFailed: it is missing (similar names are suggested), no regular file, or not readable.
    """
    try:
        _refuse_odd(path, os.stat(path).st_mode)  # noqa: PTH116 - a name with odd bytes must not be decoded
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        raise ToolFailed(missing(path)) from None
    except OSError as error:
        raise ToolFailed(f"Cannot read {show(path)}: {because(error)}.") from None
    try:
        _refuse_odd(path, os.fstat(descriptor).st_mode)  # it may have been exchanged in between
    except ToolFailed:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _refuse_odd(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise ToolFailed(f"{show(path)} is a directory.")
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
        raise ToolFailed(f"{show(path)} is {kinds.get(stat.S_IFMT(mode), 'no regular file')}, not a file with an end.")
    if _SECRET.match(os.path.realpath(path)):
        raise ToolFailed(f"{show(path)} holds the memory or environment of a process and is not read.")


def missing(path: Path) -> str:
    """Say that a file does not exist, with up to three similar names beside it."""
    sentence = f"There is no file {show(path)}."
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_NAMES), strict=False)]
    except OSError:
        return f"{sentence} Its directory does not exist either."
    lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(path.name.lower(), lower, 3, 0.5)
    close += [name for name in lower if path.stem.lower() in name and name not in close]
    if not close:
        return sentence
    return sentence + " Did you mean:\n" + "\n".join(show(path.parent / lower[name]) for name in close[:3])
