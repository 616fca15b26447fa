"""Complaints of JavaScript: uncaught errors, jest, vitest, mocha, node's own test runner."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .problem import FRAMES, Problem, Spot, spot

_WHERE = r"(?:file://)?(?P<path>(?:[A-Za-z]:)?[^\s:()][^:()]*):(?P<line>\d+):(?P<column>\d+)"
_FRAME = re.compile(rf"^\s+at (?:[^()]*\()?(?:async )?{_WHERE}\)?$")
_TAP_FRAME = re.compile(rf"^\s+(?:[^()]* \()?{_WHERE}\)?$")
_POINTER = re.compile(rf"^\s*❯ (?:[^\s()]+ )?{_WHERE}$")
_HEAD = re.compile(r"^(?:file://)?(?P<path>(?:[A-Za-z]:[\\/]|/)[^:]*\.[cm]?[jt]sx?):(?P<line>\d+)$")
_ERROR = re.compile(r"^\s*(?:Uncaught )?(?P<said>[A-Za-z]*(?:Error|Exception)(?: \[\w+\])?: .+)$")
_BULLET = re.compile(r"^\s*● \S")
_TAP_ERROR = re.compile(r"^\s+error: (?P<quote>['\"]?)(?P<said>[^|>].*?)(?P=quote)$")


class Scripts:
    """Reads the message first, then the places below it, until something else begins."""

    def __init__(self) -> None:
        self._said = ""
        self._spots: list[Spot] = []
        self._head: Spot | None = None
        self._asked = False
        """The next line with words is the message: jest says it below the name of the test."""
        self._tap = False

    def read(self, line: str) -> Iterator[Problem]:
        """The problems that are complete with this line."""
        if match := self._frame(line):
            if len(self._spots) < FRAMES and not match["path"].startswith("node"):
                self._spots.append(spot(match))
            return
        if ("Error" in line or "Exception" in line) and (match := _ERROR.match(line)):
            if self._spots or (self._said and not self._asked):
                yield from self.end(self._head)
            self._said, self._asked = match["said"], False
        elif line[-1:].isdigit() and (match := _HEAD.match(line)):
            yield from self.end()
            self._head = spot(match)
        elif "●" in line and _BULLET.match(line):
            yield from self.end()
            self._asked = True
        elif self._asked and line.strip():
            self._said, self._asked = line.strip(), False
        elif " error: " in line and (match := _TAP_ERROR.match(line)):
            yield from self.end()
            self._said, self._tap = match["said"], True
        elif line.startswith((" FAIL ", "FAIL ", "⎯", "Node.js v", "  ...")):
            yield from self.end()

    def _frame(self, line: str) -> re.Match[str] | None:
        if not line[:1].isspace() or not line.rstrip(")")[-1:].isdigit():
            return None
        return _FRAME.match(line) or _POINTER.match(line) or (_TAP_FRAME.match(line) if self._tap else None)

    def end(self, keep: Spot | None = None) -> Iterator[Problem]:
        """The error that ends here; `keep` is a place that belongs to the next one as well."""
        places = [*self._spots, *([self._head] if self._head else [])]
        if self._said and places:
            yield Problem(self._said, tuple(places))
            keep = None
        self._said, self._spots, self._head, self._asked, self._tap = "", [], keep, False, False
