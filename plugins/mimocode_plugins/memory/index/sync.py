"""Brings the index up to date with the files: what lists otherwise than the index knows it is read and hashed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from .. import items, saving
from ..layout import kind
from .database import HEADING, Document, Entry, Index

LARGEST = 2_000_000
"""Bytes. A larger file is not a memory file, whatever its name."""
LONGEST = 1500
"""Characters of an entry; longer paragraphs are cut into several."""
YOUNG = 100_000_000
"""Nanoseconds. A file that changed so lately may change again without looking any different."""


def listing(folders: Iterable[Path]) -> dict[str, str]:
    """The Markdown files below these folders, each with a stamp that is another one when the file changes."""
    found: dict[str, str] = {}
    waiting = [str(folder) for folder in folders]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as rows:  # what cannot be read is not there
            for row in rows:
                if row.is_dir(follow_symlinks=False):
                    waiting.append(row.path)
                elif row.name.lower().endswith(".md") and not row.name.startswith(".") and (stamp := _stamp(row)):
                    found[row.path] = stamp
    return found


def _stamp(row: os.DirEntry[str]) -> str:
    try:
        file = row.stat()
    except OSError:
        return ""
    young = "?" if time.time_ns() - file.st_mtime_ns < YOUNG else ""
    return f"{file.st_size}-{file.st_mtime_ns}-{file.st_ino}{young}"


def take(index: Index, base: Path, folders: Iterable[Path], found: Mapping[str, str], *, alone: bool = False) -> int:
    """Index what changed of the files that were `found` below these folders, and forget those that are gone.

    Args:
        alone: forget what lies elsewhere, too (the data was moved), but for Claude Code's files, which others may have
            asked for.

    Returns:
        How many changed.

    Raises:
        StoreError: the index cannot be used.
    """
    known = index.stamps([str(folder) for folder in folders], alone)
    there = {path: document for path in found if (document := _document(base, Path(path)))}
    if gone := known.keys() - there.keys():
        index.drop(gone)
    stamps = ((path, found[path], *known.get(path, ("", b""))) for path in sorted(there))
    return sum(_read(index, there[path], stamp, sum) for path, stamp, before, sum in stamps if stamp != before)


def _document(base: Path, path: Path) -> Document | None:
    if not path.is_relative_to(base):  # Claude Code's: projects/<folder with dashes>/memory/<name>.md
        return Document(str(path), "cc", path.parent.parent.name, "reference")
    what = kind(base, path)
    return Document(str(path), what.scope, what.owner, what.type) if what else None


def _read(index: Index, document: Document, stamp: str, before: bytes) -> bool:
    path = Path(document.path)
    try:
        if path.stat().st_size > LARGEST:
            return False
        raw, time = path.read_bytes(), path.stat().st_mtime
    except OSError:
        return False
    sum = sha256(raw).digest()
    if sum == before:
        index.touch(document.path, stamp)
        return False
    index.put(document, list(entries(saving.decoded(raw), time)), stamp, sum)
    return True


def entries(text: str, time: float) -> Iterator[Entry]:
    """The entries of a Markdown file: an item, a bullet or a paragraph each, with the heading above as context."""
    heading, block, start = "", list[str](), 0
    for number, (what, line) in enumerate([*items.kinds(text), ("", "")], 1):
        if block and (not line.strip() or what == items.HEAD or items.BULLET.match(line)):
            yield from _entry(block, start, heading, time)
            block = []
        if what == items.HEAD:
            heading = line.lstrip("# ").strip()
            if re.search(r"\w", heading):
                yield Entry(f"{number}", heading, time, HEADING)
        elif line.strip() and not what:
            start = start if block else number
            block.append(line)


def _entry(block: list[str], start: int, heading: str, time: float) -> Iterator[Entry]:
    if len(block) == 1 and (mark := items.MARK.search(block[0])):
        words = items.BULLET.sub("", block[0][: mark.start()], count=1)
        yield Entry(f"m:{mark['id']}", words, _moment(mark["time"], time), mark["status"], heading)
        return
    text = "\n".join(items.ANY_MARK.sub("", line) for line in block).strip()
    for at in range(0, len(text), LONGEST):
        yield Entry(f"{start}", text[at : at + LONGEST], time, "", heading)


def _moment(said: str, otherwise: float) -> float:
    from datetime import datetime

    try:
        return datetime.fromisoformat(said).timestamp()
    except ValueError:
        return otherwise  # somebody wrote a day that there is none of
