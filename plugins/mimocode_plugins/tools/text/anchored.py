"""Hold on to the directory of a file, so that nobody can exchange a part of its path for a link before it is changed.

A real path has no links in it. It is entered part by part from the root, each relative to the handle of the one before
and never through a link (openat(2), O_NOFOLLOW); what is done then is done relative to the last handle.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mimocode.errors import ToolFailed

from ..place import because, show

_ENTER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def parent(file: Path, make: bool = False) -> Iterator[int]:
    """A handle of the directory that a file (a real path) lies in.

    Args:
        file: the file; it need not exist.
        make: whether missing directories are made.

    Raises:
        ToolFailed: a part of the path is a link now, or no directory, or cannot be entered.
    """
    try:
        handle = _entered(file, make)
    except OSError as error:
        raise ToolFailed(f"Cannot write {show(file)}: {because(error)}.") from None
    try:
        yield handle
    finally:
        os.close(handle)


def remove(file: Path) -> None:
    """Remove a file (a real path).

    Raises:
        ToolFailed: its directory cannot be entered without going through a link.
        OSError: the system refused.
    """
    with parent(file) as directory:
        os.unlink(file.name, dir_fd=directory)


def _entered(file: Path, make: bool) -> int:
    root, *parts = file.parent.parts
    handle = os.open(root, _ENTER)
    for part in parts:
        try:
            inner = _enter(handle, part, make)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(handle, part):
                where = f"A part of the path {show(file)}, {show(part)}, became a link at this very moment"
                raise ToolFailed(f"{where}; nothing was written.") from None
            raise
        finally:
            os.close(handle)
        handle = inner
    return handle


def _enter(handle: int, part: str, make: bool) -> int:
    try:
        return os.open(part, _ENTER, dir_fd=handle)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):  # somebody else was faster
        os.mkdir(part, dir_fd=handle)
    return os.open(part, _ENTER, dir_fd=handle)


def _is_link(handle: int, part: str) -> bool:
    try:
        os.readlink(part, dir_fd=handle)
    except OSError:
        return False
    return True
