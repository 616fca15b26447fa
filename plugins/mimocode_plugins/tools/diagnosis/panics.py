"""Complaints at run time of Go, Rust and Java: panics, exceptions and failed tests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .problem import FRAMES, PATH, Problem, Spot, number, spot

_GO_FAIL = re.compile(rf"^\s+{PATH}:(?P<line>\d+): (?P<message>.+)")
_GO_DONE = re.compile(r"^(?:FAIL|ok|---)\s+(?P<package>[\w./-]+)\s")
_GO_FRAME = re.compile(rf"^\t{PATH}:(?P<line>\d+)(?: \+0x[0-9a-f]+)?$")
_RUST = re.compile(rf"^thread '[^']*'(?: \(\d+\))? panicked at {PATH}:(?P<line>\d+):(?P<column>\d+):$")
_OLD_RUST = re.compile(
    r"^thread '[^']*' panicked at '(?P<message>.*)', (?P<path>[^\s:]+):(?P<line>\d+):(?P<column>\d+)$"
)
_JAVA = re.compile(
    r"^(?:Exception in thread \"[^\"]*\" |Caused by: |\s*Suppressed: )?"
    r"(?P<said>(?:[\w$]+\.)+[\w$]*(?:Exception|Error|Throwable|Failure)\w*(?:: .*)?)$"
)
_JAVA_FRAME = re.compile(
    r"^\s+at (?:[\w.@]+/)*(?P<class>(?:[\w$]+\.)+)[\w$<>]+\((?P<path>[\w$]+\.(?:java|kt|scala|groovy)):(?P<line>\d+)\)"
)


class Go:
    """Reads panics, and what `go test` says below the name of a test. Its files are named without their folder."""

    def __init__(self) -> None:
        self._testing = False
        self._failed: list[Problem] = []
        self._panic = ""
        self._spots: list[Spot] = []

    def read(self, line: str) -> Iterator[Problem]:
        """The problems that are complete with this line."""
        if line.startswith(("panic: ", "fatal error: ")) and not self._panic:
            self._panic = line.removeprefix("fatal error: ")
        elif self._panic and line[:1] == "\t":
            if (match := _GO_FRAME.match(line)) and len(self._spots) < FRAMES:
                self._spots.append(spot(match))
        elif self._panic and self._spots and (not line.strip() or line.startswith(("exit status", "FAIL"))):
            yield from self._panicked()
        if line.lstrip().startswith("--- FAIL: "):
            self._testing = True
        elif self._testing and line[:1] == " " and (match := _GO_FAIL.match(line)) and len(self._failed) < 1000:
            self._failed.append(Problem(match["message"], (spot(match),)))
        elif self._testing and (match := _GO_DONE.match(line)):
            yield from self._tests(match["package"])

    def end(self) -> Iterator[Problem]:
        """What is left at the end of the output."""
        yield from self._panicked()
        yield from self._tests("")

    def _panicked(self) -> Iterator[Problem]:
        if self._panic and self._spots:
            yield Problem(self._panic, tuple(self._spots))
        self._panic, self._spots = "", []

    def _tests(self, package: str) -> Iterator[Problem]:
        for problem in self._failed:
            first = problem.spots[0]
            yield Problem(problem.message, (Spot(first.path, first.line, 0, package),))
        self._failed, self._testing = [], False


class Rust:
    """Reads panics; newer compilers say the message in the line below."""

    def __init__(self) -> None:
        self._at: Spot | None = None

    def read(self, line: str) -> Iterator[Problem]:
        """The problems that are complete with this line."""
        if self._at is not None and line.strip():
            yield Problem(line.strip(), (self._at,))
            self._at = None
        elif line.startswith("thread '"):
            if match := _RUST.match(line):
                self._at = spot(match)
            elif match := _OLD_RUST.match(line):
                yield Problem(match["message"], (spot(match),))

    def end(self) -> Iterator[Problem]:
        """What is left at the end of the output."""
        if self._at is not None:
            yield Problem("panicked", (self._at,))


class Java:
    """Reads exceptions with their causes. Files are named without their folder; the class says the package."""

    def __init__(self) -> None:
        self._said = ""
        self._spots: list[Spot] = []

    def read(self, line: str) -> Iterator[Problem]:
        """The problems that are complete with this line."""
        if self._said and (match := _JAVA_FRAME.match(line)):
            if len(self._spots) < FRAMES:
                package = match["class"].rstrip(".").rpartition(".")[0]
                self._spots.append(Spot(match["path"], number(match["line"]), 0, package))
        elif not line.lstrip().startswith("at "):
            yield from self.end()
            if "." in line and (match := _JAVA.match(line)):
                self._said = match["said"]

    def end(self) -> Iterator[Problem]:
        """The exception that ends here."""
        if self._said and self._spots:
            yield Problem(self._said, tuple(self._spots))
        self._said, self._spots = "", []
