"""Complaints of compilers, type checkers and linters: mostly a line each."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .problem import FRAMES, PATH, Problem, Spot, spot

_HINT = re.compile(r"[:(\[,]\d|undefined reference")
"""What a line must have to name a place: most lines of most outputs are passed over for want of it."""
_NAME = re.compile(r"[A-Za-z]\S*\.[A-Za-z]|/")
_AT = PATH + r":(?P<line>\d+)"
_GNU = re.compile(
    rf"^(?:vet: |e: |w: )?(?:file://)?{_AT}(?::(?P<column>\d+))?(?::\d+)?(?:-\d+(?::\d+)?)?:? +(?:- )?"
    r"(?P<severity>(?i:fatal error|internal compiler error|error|warning|note|info))?"
    r"(?P<code>\[\w+\]| TS\d+)?(?:: *)?(?P<message>\S.*)"
)
_PAREN = re.compile(rf"^{PATH}\((?P<line>\d+)(?:,(?P<column>\d+))?\): (?P<severity>error|warning) (?P<message>.+)")
_MAVEN = re.compile(rf"^\[(?P<severity>ERROR|WARNING)\] {PATH}:\[(?P<line>\d+)(?:,(?P<column>\d+))?\] (?P<message>.+)")
_ARROW = re.compile(rf"^ *--> {_AT}:(?P<column>\d+)$")
_STYLISH = re.compile(r"^ +(?P<line>\d+):(?P<column>\d+) +(?P<severity>error|warning) +(?P<message>\S.*)")
_ALONE = re.compile(r"^(?:[A-Za-z]:)?[^\s:|]+\.\w{1,8}$")
_MAKE = re.compile(rf"^(?:g?make(?:\[\d+\])?: \*\*\* \[{_AT}: (?P<target>[^\]]+)\] (?P<message>.+))")
_STOP = re.compile(rf"^{_AT}: \*\*\* (?P<message>.+)")
_LINK = re.compile(rf"^(?:\S*ld(?:\.\w+)?: )?{PATH}:(?:(?P<line>\d+):|\([^)]*\):) (?P<message>undefined reference .+)")
_SANITIZER = re.compile(r"^==\d+==ERROR: (?P<message>\w+Sanitizer: \S+)|^\S+: (?P<other>runtime error: .+)")
_FRAME = re.compile(rf"^ +#\d+ 0x[0-9a-f]+ in \S+ {_AT}(?::(?P<column>\d+))?$")


class Compilers:
    """Reads gcc, clang, javac, go, tsc, mypy, ruff, rustc, eslint, make, maven, ld, sanitizers and their like."""

    def __init__(self) -> None:
        self._before = ""
        self._file = ""
        self._crash: tuple[str, list[Spot]] | None = None

    def read(self, line: str) -> Iterator[Problem]:
        """The problems that are complete with this line."""
        if self._crash is not None:
            yield from self._stack(line)
        elif line[:2] == "==" and (match := _SANITIZER.match(line)):
            self._crash = match["message"] or match["other"], []
        else:
            yield from self._line(line)
        if stripped := line.strip():
            self._before = stripped

    def end(self) -> Iterator[Problem]:
        """What is left at the end of the output."""
        yield from self._stack("")

    def _line(self, line: str) -> Iterator[Problem]:
        if match := _ARROW.match(line):
            yield from self._below(match)
        elif line[:1] == " ":
            if self._file and (match := _STYLISH.match(line)):
                here = Spot(self._file, int(match["line"][:8]), int(match["column"][:8]))
                yield Problem(re.sub(r" {2,}", "  ", match["message"]), (here,), match["severity"])
        elif ":" not in line:
            self._file = line if _ALONE.match(line) else self._file if line else ""
        elif not _HINT.search(line):
            return
        elif match := _PAREN.match(line) or _MAVEN.match(line):
            yield Problem(match["message"], (spot(match),), match["severity"].lower())
        elif match := _STOP.match(line):
            yield Problem(match["message"], (spot(match),))
        elif match := _MAKE.match(line):
            yield Problem(f"{match['target']}: {match['message']}", (spot(match),), weak=True)
        elif match := _LINK.match(line):
            yield Problem(match["message"], (spot(match),))
        elif match := _GNU.match(line):
            yield from self._gnu(match)

    def _gnu(self, match: re.Match[str]) -> Iterator[Problem]:
        severity = (match["severity"] or "").lower()
        if not severity and not (match["column"] and _NAME.search(match["path"])):  # a line that grep found, a time
            return
        if severity in ("note", "info"):
            return
        code = f"{match['code'].strip()} " if match["code"] else ""
        yield Problem(code + match["message"], (spot(match),), "warning" if severity == "warning" else "error")

    def _below(self, match: re.Match[str]) -> Iterator[Problem]:
        """rustc and ruff name the place in the line below the message."""
        said = self._before
        if said.startswith(("note", "help", "|", "=", ":::")):
            return
        severity = "warning" if said.startswith("warning") else "error"
        yield Problem(re.sub(r"^(error|warning)(?:(\[\w+\]))?: ", r"\2 ", said).strip(), (spot(match),), severity)

    def _stack(self, line: str) -> Iterator[Problem]:
        if self._crash is None:
            return
        message, spots = self._crash
        if match := _FRAME.match(line):
            if len(spots) < FRAMES:
                spots.append(spot(match))
        elif not line.strip():
            self._crash = None
            if spots:
                yield Problem(message, tuple(spots))
