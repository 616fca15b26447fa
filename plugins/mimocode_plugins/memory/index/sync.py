"""Brings the index up to date with the files: once per session by walking them, and per search for a handful."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

from .. import items
from ..layout import kind
from .database import Document, Entry, Index

LARGEST = 2_000_000
"""Bytes. A larger file is not a memory file, whatever its name."""
LONGEST = 1500
"""Characters of an entry; longer paragraphs are cut into several."""


def walk(index: Index, base: Path, claude: Path | None = None) -> int:
    """Index every memory file that changed and forget those that are gone; returns how many changed.

    Raises:
        StoreError: the index cannot be used.
    """
    there = {path: _document(base, path) for path in sorted(base.glob("*/**/*.md"))}
    if claude is not None:
        there |= {path: Document(str(path), "cc", claude.parent.name, "reference") for path in claude.glob("*.md")}
    known = index.stamps()
    present = {str(path) for path, document in there.items() if document is not None}
    if gone := known.keys() - present:
        index.drop(gone)
    return sum(_take(index, path, document, known) for path, document in there.items() if document is not None)


def freshen(index: Index, base: Path, folders: Iterable[Path]) -> None:
    """Index what changed right in these folders: one listing each, and one stat for every file."""
    known = index.stamps([str(folder) for folder in folders])
    present = set[str]()
    for folder in folders:
        for path in sorted(folder.glob("*.md")):
            document = _document(base, path)
            if document is not None and not path.name.startswith("."):
                present.add(str(path))
                _take(index, path, document, known)
    if gone := [path for path in known if path not in present]:
        index.drop(gone)


def _document(base: Path, path: Path) -> Document | None:
    what = kind(base, path)
    return Document(str(path), what.scope, what.owner, what.type) if what else None


def _take(index: Index, path: Path, document: Document, known: dict[str, tuple[str, bytes]]) -> bool:
    try:
        found = path.stat()
        stamp = f"{found.st_size}-{found.st_mtime_ns}"
        before = known.get(str(path), ("", b""))
        if before[0] == stamp or found.st_size > LARGEST:
            return False
        raw = path.read_bytes()
    except OSError:
        return False
    sum = sha256(raw).digest()
    if sum == before[1]:
        index.touch(str(path), stamp)
        return False
    index.put(document, list(entries(raw.decode("utf-8", "replace"), found.st_mtime)), stamp, sum)
    return True


def entries(text: str, time: float) -> Iterator[Entry]:
    """The entries of a Markdown file: an item, a bullet or a paragraph each, with the heading above as context."""
    heading, block, start = "", list[str](), 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if block and (not line.strip() or line.startswith("#") or items.BULLET.match(line)):
            yield from _entry(block, start, heading, time)
            block = []
        if line.startswith("#"):
            heading = line.lstrip("# ").strip()
            if re.search(r"\w", heading):
                yield Entry(f"{number}", heading, time)
        elif line.strip() and not items.instruction(line):
            start = start if block else number
            block.append(line)


def _entry(block: list[str], start: int, heading: str, time: float) -> Iterator[Entry]:
    if len(block) == 1 and (mark := items.MARK.search(block[0])):
        from datetime import datetime

        at = datetime.fromisoformat(mark["time"]).timestamp()
        words = items.BULLET.sub("", block[0][: mark.start()], count=1)
        yield Entry(f"m:{mark['id']}", words, at, mark["status"], heading)
        return
    text = "\n".join(items.ANY_MARK.sub("", line) for line in block).strip()
    for at in range(0, len(text), LONGEST):
        yield Entry(f"{start}", text[at : at + LONGEST], time, "", heading)
