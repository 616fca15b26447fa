"""What a command may have changed where nobody looked: named when it is taken back, because it stays.

Looked at are the files that git knows or would know, and what it ignores up to a bound; not dependencies, not large
projects as a whole, not what git keeps for itself. What changed there since a turn began shows in the times of files.
"""

from __future__ import annotations

import os
import stat
import time
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path

from .tree import PASSED, Tree, is_others

SHOWN = 20
"""Names that are told; of more, how many."""
_SECONDS = 4.0
"""How long is looked."""
_EARLIER = 0.05
"""Seconds by which the time of a file may lie before that of the clock."""
_CACHES = frozenset({".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Not looked at: git tells itself, and caches are made anew by whoever misses them."""
_WHY = "changed since, and its old content is not kept"


def blind(tree: Tree, since: float, known: Collection[str]) -> list[tuple[str, str]]:
    """What changed and cannot be taken back: path and reason. Whoever changed it, it stays.

    Args:
        tree: what is looked at.
        since: when what is taken back began, in Unix seconds.
        known: files that were looked at when they changed.
    """
    looked = {*tree.project(), *known}
    folders = {folder for path in looked for folder in map(str, Path(path).parents)}
    counted: Counter[str] = Counter()
    late, end = False, time.monotonic() + _SECONDS
    for folder, paths in _walked(tree):
        changed = [path for path in paths if path not in looked and _changed(path, since - _EARLIER)]
        counted.update(_whole(path, tree.root) for path in changed)
        if not changed and folder not in folders and _emptied(folder, since - _EARLIER):
            counted[_whole(folder, tree.root)] += 1
        if late := time.monotonic() > end:
            break
    found = [(path, _WHY if count == 1 else f"{count} files: {_WHY}") for path, count in counted.items()]
    if len(found) > SHOWN:
        found = [*found[:SHOWN], (str(tree.root), f"{len(found) - SHOWN} more: {_WHY}")]
    if late:
        found.append((str(tree.root), "not all of it could be looked at in time, more may have changed"))
    return found + _history(tree.root, since)


def _walked(tree: Tree) -> Iterator[tuple[str, list[str]]]:
    """Every directory with its files, but for our own data and caches."""
    own = str(tree.blobs.directory)
    for folder, folders, names in os.walk(tree.root):
        if is_others(folder):
            folders[:] = []
            continue
        folders[:] = [name for name in folders if name not in _CACHES and os.path.join(folder, name) != own]  # noqa: PTH118
        yield folder, [os.path.join(folder, name) for name in names]  # noqa: PTH118


def _whole(path: str, root: Path) -> str:
    """The file itself, or the directory of dependencies that it belongs to."""
    parts = Path(path).relative_to(root).parts
    at = next((at for at, part in enumerate(parts) if part in PASSED), None)
    return path if at is None else str(root.joinpath(*parts[: at + 1]))


def _changed(path: str, since: float) -> bool:
    try:
        about = os.lstat(path)
    except OSError:
        return False
    return about.st_ctime >= since and (stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode))


def _emptied(folder: str, since: float) -> bool:
    """Whether an entry of a directory came or went."""
    try:
        return os.stat(folder).st_mtime >= since  # noqa: PTH116
    except OSError:
        return False


def _history(root: Path, since: float) -> list[tuple[str, str]]:
    """What git wrote down of its own: commits, merges, changes of branch."""
    try:
        lines = (root / ".git/logs/HEAD").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    words = [line.partition("\t")[0].split() for line in lines]
    late = sum(len(each) > 2 and each[-2].isdecimal() and int(each[-2]) >= int(since) for each in words)
    return [(str(root / ".git"), f"commits and branches are not taken back ({late} since)")] if late else []
