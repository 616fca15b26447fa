"""What the agent has seen of which file, and whose turn it is to write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from mimocode.errors import ToolFailed
from mimocode.ports import StashKey

from ..place import show

if TYPE_CHECKING:
    from mimocode.session import Session

_LOCKS: StashKey[dict[str, Lock]] = StashKey("text.locks")
"""One lock per file, shared by all sessions of a host."""
_LEDGER: StashKey[Ledger] = StashKey("text.ledger")


def ledger_of(session: Session) -> Ledger:
    """What a session has seen: whatever reads or changes files in it goes by the same ledger."""
    locks = session.host.stash.setdefault(_LOCKS, {})
    ledger: Ledger = session.stash.setdefault(_LEDGER, Ledger(locks))
    return ledger


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
    def alone(self, *files: Path) -> Iterator[None]:
        """Be the only one of this process who writes to these files."""
        with ExitStack() as stack:
            for file in sorted(set(map(str, files))):  # in one order, so that nobody waits in a circle
                stack.enter_context(self._locks.setdefault(file, Lock()))
            yield

    def forget(self, file: Path) -> None:
        """Note that a file is gone."""
        self._seen.pop(str(file), None)


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()
