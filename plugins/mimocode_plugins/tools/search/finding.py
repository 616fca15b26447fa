"""Find files by name, and text in files: choose how to search, and say what was found."""

from __future__ import annotations

import heapq
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from mimocode.errors import ToolFailed

from ..place import Place, show
from . import ripgrep, scan
from .found import LARGEST, BadPattern, Found
from .patterns import matcher, split
from .ripgrep import Job
from .walk import Walk

FILES = 100
"""Files that a glob shows at most (surface 6.2)."""


@dataclass(frozen=True)
class Listed:
    """Files by name, the newest first."""

    paths: list[str]
    total: int

    @property
    def text(self) -> str:
        """The answer to the model."""
        if not self.paths:
            return "No files found"
        more = self.total - len(self.paths)
        note = [f"\n({more} older files not shown: use a narrower pattern or path.)"] if more else []
        return "\n".join([*map(show, self.paths), *note])


def glob(place: Place, pattern: str, path: str, job: Job) -> Listed:
    """The files below a directory whose path relative to it matches.

    Raises:
        ToolFailed: no such directory, or the pattern makes no sense.
    """
    if not pattern.strip():
        raise ToolFailed("The pattern is empty; for everything use **.")
    top = _top(place, path)
    if pattern.startswith(("/", "~/")):
        start, pattern = split(str(Path(pattern).expanduser()))
        top = _top(place, start)
    elif pattern.startswith("../"):
        raise ToolFailed("The pattern climbs out of the directory; give the directory as path.")
    if not top.is_dir():
        raise ToolFailed(f"{show(top)} is a file; glob lists files below a directory.")
    fits, skip = matcher(pattern), len(str(top).rstrip("/")) + 1
    dated = []
    for name in _names(top, job):
        if fits(name[skip:]):
            try:
                dated.append((os.lstat(name).st_mtime_ns, name))
            except OSError:
                continue
    newest = heapq.nsmallest(FILES, dated, key=lambda item: (-item[0], item[1]))
    return Listed([name for _, name in newest], len(dated))


def _names(top: Path, job: Job) -> list[str]:
    if rg := shutil.which("rg"):
        return ripgrep.list_files(rg, top, job)
    deadline = time.monotonic() + ripgrep.SECONDS
    walk = Walk(top)
    names = []
    for entry in walk.files():
        names.append(entry.path)
        walk.stopped = job.stopped
        if time.monotonic() > deadline:
            raise ripgrep.too_long()
    return names


def grep(place: Place, pattern: str, path: str, include: str, job: Job) -> Found:
    """The lines that a regular expression matches, in the files below a directory or in one file.

    Raises:
        ToolFailed: no such path, no regular expression, or it takes too long.
    """
    top = _top(place, path)
    if top.is_file():
        _refuse_odd(top)
    elif not top.is_dir():
        raise ToolFailed(f"{show(top)} is neither a file nor a directory.")
    if not pattern or "\0" in pattern:
        raise ToolFailed("The pattern is empty or contains a NUL character.")
    fits = matcher(include) if include and top.is_dir() else None
    include = include if fits else ""
    try:
        if rg := shutil.which("rg"):
            try:
                return ripgrep.search(rg, pattern, top, fits, include, job)
            except BadPattern:  # it does not know look-around and back-references
                pass
        return scan.search(pattern, top, include, job)
    except BadPattern as error:
        raise ToolFailed(f"{pattern!r} is not a valid regular expression: {error}.") from None


def _refuse_odd(file: Path) -> None:
    with file.open("rb") as stream:
        head = stream.read(8192)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ToolFailed(f"{show(file)} is a binary file, which grep does not search.")
    if file.stat().st_size > LARGEST:
        raise ToolFailed(f"{show(file)} is larger than {LARGEST // 1_000_000} MB; search it with a command.")


def _top(place: Place, path: str) -> Path:
    named = place.find(path or ".")
    if not named.exists():
        raise ToolFailed(f"There is no {show(named)}.")
    return Path(os.path.realpath(named))
