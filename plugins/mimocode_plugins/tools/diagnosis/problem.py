"""What a tool complains of, and where: values that all readers of output share."""

from __future__ import annotations

import re
from dataclasses import dataclass

PATH = r"(?P<path>(?:[A-Za-z]:)?[^\s:()'\"<>|*][^:()'\"<>|*\n]*?)"
"""A path in a message: no colon but that of a drive, nothing that quotes or calls."""
FRAMES = 50
"""Places of one stack trace that are kept."""


@dataclass(frozen=True)
class Spot:
    """A place in a file as the output names it: from 1, 0 for unknown.

    `near` is a package, "a/b" or "a.b" as the language writes it, when the output names the file by its last name.
    """

    path: str
    line: int
    column: int = 0
    near: str = ""


@dataclass(frozen=True)
class Problem:
    """One complaint; the spots are the places of one stack trace, the one that raised it first."""

    message: str
    spots: tuple[Spot, ...]
    severity: str = "error"
    weak: bool = False
    """Says again, with less, what is likely said elsewhere in the same output: a summary, a word of `make`."""


def spot(match: re.Match[str], near: str = "") -> Spot:
    """The place that a match names in its groups `path`, `line` and perhaps `column`."""
    found = match.groupdict()
    path = found["path"].removeprefix("file://")
    return Spot(path, number(found["line"]), number(found.get("column")), near)


def number(text: str | None) -> int:
    """Digits as a number; what is too long to be a line is unknown."""
    return int(text) if text and len(text) < 9 else 0
