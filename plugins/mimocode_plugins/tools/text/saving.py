"""Replace a file in one step: after any failure it is what it was before."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from contextlib import suppress
from pathlib import Path

from mimocode.errors import ToolFailed

from ..place import because, show
from .anchored import parent


def save(file: Path, data: bytes, mode: int | None = None) -> None:
    """Put `data` into `file` (a real path, links resolved), with parents; mode, owner and attributes are kept.

    The bytes are on the disk before the name changes over. A hard link elsewhere keeps the old content. No link is
    followed, also none that was put there after the path was resolved.

    Args:
        file: where to.
        data: the whole content.
        mode: permission bits that it gets whatever it had.

    Raises:
        ToolFailed: it could not be written; the file is unchanged.
    """
    with parent(file, make=True) as directory:
        try:
            _replace(directory, file, data, mode)
        except OSError as error:
            raise ToolFailed(f"Cannot write {show(file)}: {because(error)}; the file is unchanged.") from None


def _replace(directory: int, file: Path, data: bytes, mode: int | None) -> None:
    old = _existing(directory, file)
    draft = f".mimo-{secrets.token_hex(6)}.tmp"
    # Mode 0666 lets the umask decide for a new file.
    descriptor, named = _open_draft(directory, draft, 0o666 if old is None else 0o600)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            if old is not None:
                _keep(descriptor, directory, file.name, old)
            if mode is not None:
                os.fchmod(descriptor, mode)
            os.fsync(descriptor)
            if not named:
                os.link(f"/proc/self/fd/{descriptor}", draft, dst_dir_fd=directory)
        finally:
            os.close(descriptor)
        os.replace(draft, file.name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft, dir_fd=directory)
        raise


def _open_draft(directory: int, draft: str, mode: int) -> tuple[int, bool]:
    """A new file to write, and whether it has its name already.

    On Linux it has none until it is whole (open(2), O_TMPFILE), so that a process that dies while it writes leaves
    nothing in the project. Where the file system cannot do that (NFS), it is named from the start.
    """
    flags = os.O_WRONLY | os.O_CLOEXEC
    if sys.platform == "linux" and Path("/proc/self/fd").is_dir():
        with suppress(OSError):
            return os.open(".", flags | os.O_TMPFILE, mode, dir_fd=directory), False
    return os.open(draft, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode, dir_fd=directory), True


def _existing(directory: int, file: Path) -> os.stat_result | None:
    try:
        old = os.stat(file.name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(old.st_mode):
        raise ToolFailed(f"{show(file)} is not a regular file; nothing was written.")
    if not os.access(file.name, os.W_OK, dir_fd=directory):
        raise ToolFailed(f"{show(file)} is read-only; nothing was written.")
    return old


def _keep(descriptor: int, directory: int, name: str, old: os.stat_result) -> None:
    """Give the draft the owner, attributes and mode of the old file, as far as the system lets us."""
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
        with suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
    if sys.platform == "linux":
        with suppress(OSError):
            _keep_attributes(descriptor, directory, name)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _keep_attributes(descriptor: int, directory: int, name: str) -> None:
    """Extended attributes, such as access lists."""
    source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    try:
        for each in os.listxattr(source):
            os.setxattr(descriptor, each, os.getxattr(source, each))
    finally:
        os.close(source)
