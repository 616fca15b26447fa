"""What a search for text found, and how the model is shown it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..place import show

MATCHES = 100
"""Matches shown at most (surface 6.2)."""
LINE = 2_000
"""Characters of a line shown at most."""
LARGEST = 100_000_000
"""Bytes of the largest file that is searched."""


class BadPattern(Exception):
    """The regular expression makes no sense; the message says why."""


@dataclass
class Found:
    """Lines that match, by file, the newest file first."""

    files: list[tuple[str, list[tuple[int, str]]]] = field(default_factory=list)
    total: int = 0
    denied: int = 0

    @property
    def shown(self) -> int:
        """How many matches are in `files`."""
        return sum(len(lines) for _, lines in self.files)


def newest(paths: Iterable[str]) -> list[tuple[str, float]]:
    """Files and when they changed, the latest change first; those that are gone are left out."""
    dated = []
    for path in paths:
        try:
            dated.append((path, Path(path).lstat().st_mtime_ns))
        except OSError:
            continue
    return sorted(dated, key=lambda item: (-item[1], item[0]))


def cut(line: str) -> str:
    """A line, shortened if need be."""
    line = line.rstrip("\r")
    return line if len(line) <= LINE else line[:LINE] + "..."


def as_text(found: Found) -> str:
    """The answer to the model."""
    if not found.total:
        parts = ["No matches found"]
    else:
        parts = [f"Found {found.total} match{'es' * (found.total > 1)}"]
    for path, lines in found.files:
        parts.append(f"\n{show(path)}:")
        parts += [f"  Line {number}: {line}" for number, line in lines]
    if hidden := found.total - found.shown:
        parts.append(f"\n({hidden} more not shown: narrow the pattern, path or include.)")
    if found.denied:
        parts.append(f"\n({found.denied} path{'s' * (found.denied > 1)} could not be read.)")
    return "\n".join(parts)
