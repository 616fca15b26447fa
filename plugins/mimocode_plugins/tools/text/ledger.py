"""What the agent has seen of which file, and whose turn it is to write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
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
LEDGER: StashKey[Ledger] = StashKey("text.ledger")
NOTES = "files"
"""Notes under this name hold what was seen: {"seen": {path: hash, or "" when it is gone}}."""


def ledger_of(session: Session) -> Ledger:
    """What a session has seen: whatever reads or changes files in it goes by the same ledger.

    What was seen before the session was closed stands in its log, as notes that `news` was written down in.
    """
    if (ledger := session.stash.get(LEDGER)) is None:
        ledger = session.stash[LEDGER] = Ledger(session.host.stash.setdefault(_LOCKS, {}))
        for note in session.state.notes.get(NOTES, ()):
            ledger.remember(note["seen"])
    return ledger


class Ledger:
    """Remembers the content in which each file was last read or written."""

    def __init__(self, locks: dict[str, Lock]) -> None:
        self._locks = locks
        self._seen: dict[str, str] = {}
        self._news: dict[str, str] = {}

    def saw(self, file: Path, data: bytes) -> None:
        """Note the content of a file (by its real path)."""
        self._note(file, _digest(data))

    def forget(self, file: Path) -> None:
        """Note that a file is gone."""
        self._note(file, "")

    def _note(self, file: Path, digest: str) -> None:
        if self._seen.get(str(file), "") != digest:
            self._seen[str(file)] = self._news[str(file)] = digest

    def news(self) -> dict[str, str]:
        """What was noted since this was asked last."""
        news, self._news = self._news, {}
        return news

    def remember(self, seen: Mapping[str, str]) -> None:
        """Take in what was noted in another life."""
        self._seen.update(seen)

    def require(self, file: Path, data: bytes) -> None:
        """Make sure that an edit is based on what the file holds now.

        Raises:
            ToolFailed: the agent has not read it, or it changed since.
        """
        known = self._seen.get(str(file))
        if not known:
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


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
