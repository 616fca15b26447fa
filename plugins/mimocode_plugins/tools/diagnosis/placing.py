"""Which files are meant, which of them are the user's own, and which complaints say the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .problem import Problem, Spot

FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox", ".nox", ".cargo"})
"""Folders in a project that hold other people's files."""
_SOURCES = ("", "src/main/java", "src/test/java", "src/main/kotlin", "src/test/kotlin", "src", "test")
_LOOKS = 2000
"""Questions to the disk about one output."""


@dataclass(frozen=True)
class Item:
    """A problem in a file. `path` is relative to the directory if it lies in it; `caller` is "path:line" or ""."""

    path: str
    line: int
    column: int
    severity: str
    message: str
    own: bool
    """The file is there and belongs to the project."""
    caller: str = ""


class Places:
    """Finds files of one workspace; every path is looked for once."""

    def __init__(self, directory: Path, root: Path, exists: Callable[[str], bool] = os.path.isfile) -> None:
        self._directory, self._root = os.path.normpath(directory), os.path.normpath(root)
        self._exists, self._looks = exists, 0
        self._known: dict[tuple[str, str], str] = {}

    def find(self, spot: Spot) -> str:
        """The file in the workspace that a place is in, or ""."""
        key = spot.path, spot.near
        if key not in self._known:
            self._known[key] = next((path for path in self._guesses(spot) if self._is_own(path)), "")
        return self._known[key]

    def short(self, path: str) -> str:
        """A path relative to the directory, when it lies in it."""
        return path[len(self._directory) + 1 :] if path.startswith(self._directory + os.sep) else path

    def _guesses(self, spot: Spot) -> Iterator[str]:
        bases = dict.fromkeys((self._directory, self._root))
        if spot.near:
            package = spot.near.split("/" if "/" in spot.near else ".")
            for base in bases:
                for begin in range(min(len(package), 12)):
                    folder = "/".join(package[begin:])
                    for source in _SOURCES if not begin else ("",):
                        yield os.path.normpath(os.path.join(base, source, folder, spot.path))  # noqa: PTH118
        for base in bases:
            yield os.path.normpath(os.path.join(base, spot.path))  # noqa: PTH118

    def _is_own(self, path: str) -> bool:
        inside = any(path.startswith(base.rstrip(os.sep) + os.sep) for base in (self._directory, self._root))
        if not inside or not FOREIGN.isdisjoint(Path(path).parts) or self._looks >= _LOOKS:
            return False
        self._looks += 1
        try:
            return self._exists(path)
        except (OSError, ValueError):
            return False


def placed(problems: Iterable[Problem], places: Places) -> list[Item]:
    """The problems with their files, each once: those of the project first, errors before warnings."""
    found = [(problem, _item(problem, places)) for problem in problems]
    items: dict[tuple[str, int, str], Item] = {}
    for problem, item in found:
        if not (problem.weak and _said_better(item, found)):
            items.setdefault((item.path, item.line, item.message), item)
    located = {(item.path, item.line) for item in items.values() if item.severity == "error" and item.line}
    kept = [i for i in items.values() if i.severity == "error" or (i.path, i.line) not in located]
    return sorted(kept, key=lambda item: (not item.own, item.severity != "error"))


def _item(problem: Problem, places: Places) -> Item:
    own = [(spot, path) for spot in problem.spots if (path := places.find(spot))]
    spot, path = own[0] if own else (problem.spots[0], "")
    caller = ""
    if own and (own[-1][1], own[-1][0].line) != (path, spot.line):
        caller = f"{places.short(own[-1][1])}:{own[-1][0].line}"
    shown = places.short(path or spot.path)
    return Item(shown, spot.line, spot.column, problem.severity, problem.message, bool(own), caller)


def _said_better(item: Item, found: list[tuple[Problem, Item]]) -> bool:
    """Whether a summary's line is told with its place elsewhere."""
    said = item.message.partition(": ")[2].removesuffix("...")
    for problem, other in found:
        if problem.weak:
            continue
        if not said or item.line:
            if other.path == item.path or item.line:
                return True
        elif said in other.message:
            return True
    return False
