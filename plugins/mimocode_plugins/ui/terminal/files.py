"""The files of the workspace for `@`: what git ignores is left out, so are links, so is what is too much."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

MOST = 200_000
"""Files that are listed at most."""
PATIENCE, FRESH = 3.0, 10.0
"""Seconds that listing may take, and that a list stays good."""
ALWAYS = (".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv")


@dataclass
class Files:
    """The list, made again when it is old."""

    root: Path
    _names: list[str] = field(default_factory=list)
    _made: float = 0.0

    def names(self) -> list[str]:
        """Paths relative to the root, folders with a slash at the end, shallow ones first. Runs in any thread."""
        if not self._made or time.monotonic() - self._made > FRESH:
            self._names = sorted(_walk(self.root), key=lambda name: (name.rstrip("/").count("/"), name))
            self._made = time.monotonic()
        return self._names


def _walk(root: Path) -> Iterator[str]:
    until, count = time.monotonic() + PATIENCE, 0
    specs: dict[str, list[tuple[str, GitIgnoreSpec]]] = {"": _own(root, "", [])}
    for folder, folders, files in os.walk(root):
        here = Path(folder).relative_to(root).as_posix()
        prefix = "" if here == "." else here + "/"
        inherited = specs.pop(prefix, [])
        kept = []
        for name in sorted(folders):
            path = f"{prefix}{name}/"
            if name in ALWAYS or _ignored(path, inherited) or Path(folder, name).is_symlink():
                continue
            kept.append(name)
            specs[path] = _own(root, path, inherited)
            yield path
        folders[:] = kept
        for name in files:
            if not _ignored(prefix + name, inherited):
                count += 1
                yield prefix + name
        if count > MOST or time.monotonic() > until:
            return


def _own(root: Path, prefix: str, inherited: list[tuple[str, GitIgnoreSpec]]) -> list[tuple[str, GitIgnoreSpec]]:
    """The rules of the folders above and of this one."""
    from pathspec import GitIgnoreSpec

    try:
        rows = (root / prefix / ".gitignore").read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return inherited
    try:
        return [*inherited, (prefix, GitIgnoreSpec.from_lines(rows))]
    except ValueError:
        return inherited


def _ignored(path: str, specs: list[tuple[str, GitIgnoreSpec]]) -> bool:
    """The rules of the deepest folder that has something to say decide."""
    for prefix, spec in reversed(specs):
        result = spec.check_file(path[len(prefix) :])
        if result.include is not None:
            return result.include
    return False
