"""Puts back what a command changed although nobody but the user should: the second line behind the sandbox.

A mount can cover a file that is there, not one that a command makes; and Landlock cannot cover anything inside of what
is writable. So what says which programs git, agents and editors run is looked at before a command and after it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .layout import Access, Layout

LARGEST, MOST = 1_000_000, 300
"""Bytes of a file, and files, that are kept."""
_NEVER_MADE = ("commondir", "config.worktree")
"""In a repository: with one of these git takes its settings from elsewhere."""


@dataclass(frozen=True)
class Kept:
    """A file as it was; `content` is None for one that was not there. Of a folder, that nothing new is in it."""

    content: bytes | None
    mode: int = 0
    folder: bool = False


Watch: TypeAlias = Mapping[Path, Kept]


def watch(plan: Layout, everything: bool) -> Watch:
    """What is looked after while a command runs.

    Args:
        plan: of the disk.
        everything: also what the plan covers, because this sandbox cannot cover it.
    """
    found: dict[Path, Kept] = {}
    stores = [path for path, access in plan.access.items() if access is Access.WRITE and (path / "HEAD").is_file()]
    for store in stores:
        found.update((store / name, Kept(None)) for name in _NEVER_MADE if not os.path.lexists(store / name))
    if everything:
        writable = [path for path, access in plan.access.items() if access is Access.WRITE]
        for path, access in plan.access.items():
            if access is Access.READ and any(each in path.parents for each in writable):
                _keep(path, found)
    return found


def _keep(path: Path, found: dict[Path, Kept]) -> None:
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files[:MOST]:
        with suppress(OSError):
            if file.is_file() and file.stat().st_size <= LARGEST:
                found[file] = Kept(file.read_bytes(), file.stat().st_mode & 0o7777)
    if path.is_dir():
        found[path] = Kept(None, folder=True)


def mend(watched: Watch) -> list[Path]:
    """Put everything back; what had to be."""
    mended: list[Path] = []
    for path, kept in watched.items():
        if kept.folder:
            mended += _strangers(path, watched)
        elif not _is(path, kept):
            _put_back(path, kept)
            mended.append(path)
    return mended


def _is(path: Path, kept: Kept) -> bool:
    if kept.content is None:
        return not os.path.lexists(path)
    try:
        same = path.read_bytes() == kept.content and path.stat().st_mode & 0o7777 == kept.mode
    except OSError:
        return False
    return same and not any(each.is_symlink() for each in (path, *path.parents))


def _put_back(path: Path, kept: Kept) -> None:
    for parent in reversed(path.parents):
        if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
            parent.unlink()  # the plan has no links in it: this one was put there
    _remove(path)
    if kept.content is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kept.content)
    path.chmod(kept.mode)


def _strangers(folder: Path, watched: Watch) -> list[Path]:
    """Files that were not in a directory before are taken out of it."""
    straight = folder.is_dir() and not any(each.is_symlink() for each in (folder, *folder.parents))
    new = [path for path in (folder.rglob("*") if straight else ()) if not path.is_dir() or path.is_symlink()]
    new = [path for path in new if path not in watched]
    for path in new:
        _remove(path)
    return new


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
