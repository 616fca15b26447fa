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
_SMALL = 16_384
"""Bytes up to which packing a content takes more time than it saves room."""


class Blobs:
    """The contents in one directory. Several processes may share it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def keep(self, data: bytes) -> str:
        """Keep a content and return its hash; it is there, whole, when this returns.

        Raises:
            OSError: it could not be written.
        """
        name = _hash(data)
        path = f"{self.directory}/{name[:2]}/{name[2:]}"
        try:
            if time.time() - os.stat(path).st_mtime > _DAY:  # noqa: PTH116 - called for each file of a project
                os.utime(path)  # it is needed again: its age counts from now
        except FileNotFoundError:
            self._write(path, zlib.compress(data, 1) if len(data) > _SMALL else data)
        return name

    def _write(self, path: str, packed: bytes) -> None:
        draft = f"{path[:-30]}.{secrets.token_hex(8)}"
        try:
            descriptor = self._draft(draft)
            try:
                rest = memoryview(packed)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            finally:
                os.close(descriptor)
            os.replace(draft, path)  # noqa: PTH105
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)  # noqa: PTH108
            raise

    def _draft(self, draft: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(draft, flags, 0o600)
        except FileNotFoundError:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            Path(draft).parent.mkdir(exist_ok=True, mode=0o700)
            return os.open(draft, flags, 0o600)

    def load(self, name: str) -> bytes | None:
        """A content; None when it is gone or damaged."""
        try:
            data = self._path(name).read_bytes()
            if _hash(data) != name:
                data = zlib.decompress(data)
        except (OSError, zlib.error):
            return None
        return data if _hash(data) == name else None

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


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
