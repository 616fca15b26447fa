"""Output of a command: on disk when there is much of it, and shown to the model with its start and its end."""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from ..place import because

LINES, BYTES = 2_000, 50 * 1024
"""What the model is shown at most (surface 6.1)."""
LARGEST = 128 * 1024 * 1024
"""Bytes of output that are kept; a command that prints more is stopped."""
_KEEP_DAYS = 7
_TROUBLE = re.compile(
    rb"error|exception|traceback|failed|failure|fatal|panic|not found|denied|cannot|assert", re.IGNORECASE
)


class Spool:
    """Collects bytes: the first 50 KB in memory, more than that in a file that only the user may read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._memory = bytearray()
        self._file = -1
        self.path: Path | None = None
        self.size = 0
        self.lines = 0
        self.lost = ""
        """Why output was not kept, if some was not."""

    @property
    def full(self) -> bool:
        """No more is kept."""
        return self.size >= LARGEST

    def write(self, data: bytes) -> None:
        """Add output; what goes past the limit, or finds the disk full, is dropped."""
        if self.lost:
            return
        data = data[: LARGEST - self.size]
        self.size += len(data)
        self.lines += data.count(b"\n")
        if self._file < 0:
            self._memory += data
            if self.size > BYTES or self.lines > LINES:
                self.to_disk()
            return
        try:
            _write(self._file, data)
        except OSError as error:
            self.lost = because(error)
            self.size = os.fstat(self._file).st_size

    def to_disk(self) -> Path | None:
        """Move what there is into the file, and everything that comes; None if there can be none."""
        if self.path is None and not self.lost:
            path = self._directory / f"tool_{time.strftime('%Y%m%d-%H%M%S')}_{secrets.token_hex(4)}"
            try:
                self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                _forget_old(self._directory)
                self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                _write(self._file, bytes(self._memory))
            except OSError as error:
                self.lost = because(error)
                self.close()
            else:
                self.path = path
                self._memory.clear()
        return self.path

    def between(self, start: int, end: int) -> bytes:
        """Some of the output."""
        start = max(0, start)
        return os.pread(self._file, max(0, end - start), start) if self._file >= 0 else bytes(self._memory[start:end])

    def tail(self, size: int) -> str:
        """The last bytes as text."""
        return _text(self.between(self.size - size, self.size))

    def shown(self, tokens: int = 0) -> str:
        """What the model is shown.

        When it is too much, the start and the end: more of the end, unless the end reports trouble, whose cause is
        then often at the start. With `tokens` (of four bytes each) half and half of that many.
        """
        limit = min(tokens * 4, BYTES) if tokens else BYTES
        if self.size <= limit and self.lines <= LINES:
            return _text(self.between(0, self.size))
        path = self.to_disk()
        trouble = _TROUBLE.search(self.between(self.size - 2048, self.size)) is not None
        share = 0.5 if tokens else 0.7 if trouble else 0.3
        first = int(limit * share)
        head = _first_lines(self.between(0, first), int(LINES * share))
        # The halves must not overlap: short of bytes the tail begins after the head, short of lines it is cut too.
        start = max(len(head), self.size - (limit - first))
        tail = _last_lines(self.between(start, self.size), LINES - int(LINES * share))
        left = self.size - len(head) - len(tail)
        if left <= 0:
            return _text(head + tail)
        lines = self.lines - head.count(b"\n") - tail.count(b"\n")
        amount = f"{lines} lines, {left} bytes" + (f", about {left // 4} tokens" if tokens else "")
        rest = f"; the whole output is in {path} (grep it, or read it with offset)" if path else ""
        note = f"... {amount} left out{rest} ..."
        return f"{_text(head).rstrip(chr(10))}\n\n{note}\n\n{_text(tail)}"

    def close(self) -> None:
        """Let go of the file; it stays on the disk for a week."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _first_lines(data: bytes, lines: int) -> bytes:
    """At most so many lines from the start, ending with a whole one if there is one."""
    kept = b"".join(data.splitlines(keepends=True)[:lines]) if data.count(b"\n") > lines else data
    end = kept.rfind(b"\n")
    return kept[: end + 1] if end >= 0 else _whole_start(kept)


def _last_lines(data: bytes, lines: int) -> bytes:
    """At most so many lines from the end, beginning with a whole one if there is one."""
    at = len(data) - 1 if data.endswith(b"\n") else len(data)
    for _ in range(lines):
        at = data.rfind(b"\n", 0, at)
        if at < 0:
            break
    if at < 0:
        at = data.find(b"\n") if 0 <= data.find(b"\n") < len(data) - 1 else -1
    return data[at + 1 :].lstrip(bytes(range(0x80, 0xC0))) if at < 0 else data[at + 1 :]


def _whole_start(data: bytes) -> bytes:
    """Without a last character that was cut in the middle."""
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] >= 0xC0:
            return data[:-back] if back < (2 if data[-back] < 0xE0 else 3 if data[-back] < 0xF0 else 4) else data
        if data[-back] < 0x80:
            break
    return data


def _forget_old(directory: Path) -> None:
    """Remove the outputs of more than a week ago."""
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime > _KEEP_DAYS * 86_400
                if old and entry.name.startswith("tool_"):
                    Path(entry.path).unlink()
