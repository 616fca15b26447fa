"""Repositories of git below a directory, and what of them decides which programs git runs.

Only read as files: git itself would obey what stands in them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DEPTH, MOST = 4, 3_000
"""How deep and through how many directories nested repositories are looked for."""
_SKIPPED = frozenset({"node_modules", ".venv", "venv", "__pycache__", ".tox", ".mypy_cache", "target", ".cargo"})


def stores(root: Path) -> Iterator[Path]:
    """Where repositories at and below a directory keep their things: `.git`, or what a work tree points to."""
    for seen, (where, folders, files) in enumerate(os.walk(root)):
        here = Path(where)
        if ".git" in folders:
            yield from _store(here / ".git")
        elif ".git" in files:
            yield from _elsewhere(here / ".git")
        deep = len(here.relative_to(root).parts) >= DEPTH or seen > MOST
        folders[:] = [] if deep else [name for name in folders if name != ".git" and name not in _SKIPPED]


def seals(store: Path) -> Iterator[Path]:
    """What nobody but the user changes: it says what git runs."""
    for name in ("config", "config.worktree", "hooks", "commondir", "gitdir"):
        if (store / name).exists():
            yield store / name


def _store(folder: Path) -> Iterator[Path]:
    """A repository and those of its submodules."""
    if folder.is_symlink() or not (folder / "HEAD").exists():
        return
    yield folder
    for config in sorted((folder / "modules").glob("**/config")):
        if (config.parent / "HEAD").exists():
            yield config.parent


@dataclass(frozen=True)
class Linked:
    """What a linked work tree points to: the repository, and what that keeps of this work tree."""

    common: Path
    own: Path


def pointed(file: Path) -> Linked | None:
    """The repository that a linked work tree belongs to, if it knows of that work tree: anyone can write a pointer."""
    try:
        word, _, target = file.read_text("utf-8").strip().partition(": ")
        own = Path(os.path.realpath(file.parent / target))
        back = Path((own / "gitdir").read_text("utf-8").strip())
        common = Path(os.path.realpath(own / (own / "commondir").read_text("utf-8").strip()))
    except (OSError, ValueError):
        return None
    if word != "gitdir" or os.path.realpath(back) != os.path.realpath(file) or own.parent != common / "worktrees":
        return None
    return Linked(common, own) if (common / "HEAD").is_file() and (common / "objects").is_dir() else None


def needed(linked: Linked, name: str) -> Iterator[Path]:
    """What commits in a linked work tree write: objects, its own state, and the directory of its own branch.

    That is `mimo/NAME/`, whatever HEAD says: who works there can write HEAD, and would choose what else is writable.
    Objects are those of all: git adds to them only, but another program that runs there could take some away.

    Args:
        linked: where the work tree points to.
        name: of its directory.
    """
    yield linked.common / "objects"
    yield linked.own
    for base in (linked.common, linked.common / "logs"):
        branch = base / "refs/heads/mimo" / name
        with suppress(OSError):  # git takes away directories of branches that it packed
            branch.mkdir(parents=True, exist_ok=True)
        yield branch


def _elsewhere(file: Path) -> Iterator[Path]:
    if (linked := pointed(file)) is not None:
        yield linked.common
        yield linked.own
