"""Contents of files by their hash: written once, readable by the user only, bounded in size and age."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
import zlib
from contextlib import suppress
from pathlib import Path

LARGEST = 32_000_000
"""Bytes of the largest file that is kept."""
TOTAL = 1_000_000_000
"""Bytes that all contents may take, of all projects; the oldest go first."""
DAYS = 30
"""How long a content is kept after it was last seen."""
_DAY = 86_400


class Blobs:
    """The contents in one directory. Several processes may share it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def keep(self, data: bytes) -> str:
        """Keep a content and return its hash; it is there, whole, when this returns.

        Raises:
            OSError: it could not be written.
        """
        name = hashlib.blake2b(data, digest_size=16).hexdigest()
        path = self._path(name)
        try:
            if time.time() - path.stat().st_mtime > _DAY:
                os.utime(path)  # it is needed again: its age counts from now
        except FileNotFoundError:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.parent.mkdir(exist_ok=True, mode=0o700)
            draft = path.with_name(f".{secrets.token_hex(8)}")
            try:
                descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(zlib.compress(data, 1))
                draft.replace(path)
            except BaseException:
                with suppress(OSError):
                    draft.unlink()
                raise
        return name

    def load(self, name: str) -> bytes | None:
        """A content; None when it is gone or damaged."""
        try:
            data = zlib.decompress(self._path(name).read_bytes())
        except (OSError, zlib.error):
            return None
        return data if hashlib.blake2b(data, digest_size=16).hexdigest() == name else None

    def has(self, name: str) -> bool:
        """Whether a content is still there."""
        return self._path(name).exists()

    def _path(self, name: str) -> Path:
        return self.directory / name[:2] / name[2:]

    def collect(self, total: int = TOTAL, days: float = DAYS) -> int:
        """Remove what is too old or too much, at most once a day; returns how many contents went."""
        mark = self.directory / "collected"
        with suppress(OSError):
            if not self.directory.is_dir() or time.time() - mark.stat().st_mtime < _DAY:
                return 0
        with suppress(OSError):
            mark.touch(0o600)
        kept, gone = 0, 0
        for age, size, path in sorted(self._all()):
            kept += size
            if kept > total or age > days * _DAY:
                with suppress(OSError):
                    path.unlink()
                    gone += 1
        return gone

    def _all(self) -> list[tuple[float, int, Path]]:
        """Age in seconds, size and path of every content."""
        found, now = [], time.time()
        for path in self.directory.glob("??/*"):
            with suppress(OSError):
                about = path.stat()
                found.append((now - about.st_mtime, about.st_size, path))
        return found
