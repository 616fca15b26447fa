"""Complaints of Python: tracebacks, and what pytest makes of them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from .problem import FRAMES, Problem, Spot, number

_FILE = re.compile(r"^(?P<margin>[ |+]*)File \"(?P<path>[^\"]+)\", line (?P<line>\d+)")
_HEADER = re.compile(r"^(?:_{3,} .+ _{3,}|=+ .+ =+)$")
_PLACE = re.compile(r"^(?P<path>[^\s:][^:]*\.py\w?):(?P<line>\d+): ?(?P<rest>.*)$")
_SUMMARY = re.compile(r"^(?P<mark>FAILED|ERROR) (?P<path>[^\s:]+\.py\w?)(?:::(?P<test>.+?))?(?: - (?P<message>.*))?$")


class Tracebacks:
    """Reads what the interpreter prints of an exception, its causes and groups; unittest prints the same."""

    def __init__(self) -> None:
        self._spots: deque[Spot] = deque(maxlen=FRAMES)
        self._margin = 0

    def read(self, line: str) -> Iterator[Problem]:
        """The problems that are complete with this line."""
        if 'File "' in line and (match := _FILE.match(line)):
            self._spots.append(Spot(match["path"], number(match["line"])))
            self._margin = len(match["margin"])
        elif self._spots:
            said = line.lstrip(" |+")
            if said and len(line) - len(said) < self._margin:  # the code below a place stands further right
                yield Problem(said, tuple(reversed(self._spots)))
                self._spots.clear()

    def end(self) -> Iterator[Problem]:
        """Output that was cut in the middle of a traceback says no more than where it was."""
        if self._spots:
            yield Problem("exception", tuple(reversed(self._spots)))


class Pytest:
    """Reads the sections of failed tests, and the summary for tests that have none."""

    def __init__(self) -> None:
        self._spots: deque[Spot] = deque(maxlen=FRAMES)
        self._message = ""
        self._inside = False

    def read(self, line: str) -> Iterator[Problem]:
        """The problems that are complete with this line."""
        first = line[:1]
        if first in "_=" and first and _HEADER.match(line):
            yield from self.end()
            self._inside = first == "_" or "FAILURES" in line or "ERRORS" in line
        elif first in "FE" and first:
            yield from self._words(line)
        elif self._inside and (match := _PLACE.match(line)):
            rest = match["rest"]
            if rest.startswith("in ") or rest.isidentifier() or not rest or "." in rest.partition(" ")[0]:
                self._spots.append(Spot(match["path"], number(match["line"])))
                self._message = self._message or (rest if rest.isidentifier() else "")
            else:  # --tb=line
                yield Problem(rest, (Spot(match["path"], number(match["line"])),))
                self._message = ""

    def _words(self, line: str) -> Iterator[Problem]:
        if self._inside and line.startswith("E  "):
            self._message = self._message or line[1:].strip()
        elif match := _SUMMARY.match(line):
            said = ": ".join(filter(None, (match["test"], match["message"]))) or match["mark"].lower()
            yield Problem(said, (Spot(match["path"], 0),), weak=True)

    def end(self) -> Iterator[Problem]:
        """The section that ends here."""
        if self._spots:
            yield Problem(self._message or "test failed", tuple(reversed(self._spots)))
        self._spots.clear()
        self._message = ""
