"""How memory files are written: whole or not at all, by one process at a time."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(base: Path) -> Iterator[None]:
    """Be the only one who changes what lies below `base`, across processes; others wait.

    Raises:
        OSError: the folder cannot be made or written.
    """
    import fcntl

    base.mkdir(parents=True, exist_ok=True)
    handle = os.open(base / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def replace(path: Path, text: str) -> None:
    """Put `text` in place of the file at once; after a crash there is the old text or the new one.

    Raises:
        OSError: it cannot be written; nothing has changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def read(path: Path) -> str:
    """The text of a memory file, "" when there is none or it cannot be read."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
