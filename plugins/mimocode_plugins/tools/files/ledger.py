"""What the agent has seen of which file, and whose turn it is to write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from mimocode.errors import ToolFailed

from ..place import show


class Ledger:
    """Remembers, for the life of a session, the content in which each file was last read or written."""

    def __init__(self, locks: dict[str, Lock]) -> None:
        self._locks = locks
        self._seen: dict[str, bytes] = {}

    def saw(self, file: Path, data: bytes) -> None:
        """Note the content of a file (by its real path)."""
        self._seen[str(file)] = _digest(data)

    def require(self, file: Path, data: bytes) -> None:
        """Make sure that an edit is based on what the file holds now.

        Raises:
            ToolFailed: the agent has not read it, or it changed since.
        """
        known = self._seen.get(str(file))
        if known is None:
            raise ToolFailed(f"Read {show(file)} before editing it.")
        if known != _digest(data):
            raise ToolFailed(f"{show(file)} has changed since it was read; read it again, then edit.")

    @contextmanager
    def alone(self, file: Path) -> Iterator[None]:
        """Be the only one of this process who writes to a file."""
        with self._locks.setdefault(str(file), Lock()):
            yield


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
