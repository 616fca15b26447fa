"""Read the problems out of what a command printed. Pure, never raises, takes time in proportion to the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .compilers import Compilers
from .panics import Go, Java, Rust
from .problem import Problem
from .scripts import Scripts
from .snakes import Pytest, Tracebacks

LARGEST, LINES = 10_000_000, 100_000
"""Characters and lines that are read; of more, the beginning and the end."""
WIDEST = 1000
"""Characters of a line that are looked at: no message that a person wrote is longer."""
MOST = 500
"""Problems that are told; whoever has more looks at the first ones."""
_COLOUR = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]|\x1b\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)")
_LINES = re.compile(r"\r\n|\r|\n")


def problems(text: str) -> list[Problem]:
    """Everything that looks like a complaint about a place in a file, in the order of the text."""
    found: list[Problem] = []
    for problem in _all(text):
        found.append(problem)
        if len(found) >= MOST:
            break
    return found


def _all(text: str) -> Iterator[Problem]:
    if len(text) > LARGEST:
        text = text[: LARGEST // 2] + "\n\n" + text[-LARGEST // 2 :]
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    readers = (Tracebacks(), Pytest(), Scripts(), Compilers(), Go(), Rust(), Java())
    reads = [reader.read for reader in readers]
    for raw in lines(text):
        line = raw[:WIDEST].rstrip()
        for read in reads:
            yield from read(line)
    for reader in readers:
        yield from reader.end()


def lines(text: str) -> list[str]:
    """The lines that are read: a command may print millions of short ones."""
    half = LINES // 2
    found = _LINES.split(text, maxsplit=half)
    if len(found) <= half:
        return found
    rest = found.pop()
    if rest.count("\n") + rest.count("\r") > half:
        rest = rest[-LARGEST // 5 :]
    return [*found, *_LINES.split(rest)[-half:]]
