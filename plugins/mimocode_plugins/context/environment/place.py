"""Reads from the file system where a session works, without running anything."""

from __future__ import annotations

import os
import platform
from datetime import date, datetime
from pathlib import Path


def work_tree(directory: Path, home: Path) -> Path | None:
    """The nearest directory at or above this one that is the top of a git work tree.

    A linked worktree and a submodule have a `.git` file instead of a folder and count as well. The home directory and
    the root of the file system are never a project, and nothing above the home directory is looked at: a stray
    `.git` there must not turn every file of the user into one project.
    """
    ends = {home, home.resolve()}
    for place in (directory, *directory.parents):
        if place in ends or place == Path(place.anchor):
            return None
        if git_folder(place) is not None:
            return place
    return None


def git_folder(place: Path) -> Path | None:
    """Where git keeps what it knows of the work tree that begins here, or None if none does."""
    try:
        dot = place / ".git"
        if dot.is_file():
            kept = dot.read_text(encoding="utf-8", errors="replace").strip()
            dot = place / kept.removeprefix("gitdir:").strip() if kept.startswith("gitdir:") else dot
        return dot if (dot / "HEAD").is_file() else None
    except OSError:
        return None


def branch(place: Path) -> str:
    """The branch that is checked out, the short commit when none is, or "" without git."""
    folder = git_folder(place)
    if folder is None:
        return ""
    try:
        head = (folder / "HEAD").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
    if head.startswith("ref:"):
        return head.removeprefix("ref:").strip().removeprefix("refs/heads/")
    return f"none, detached at {head[:12]}"


def describe(directory: Path, root: Path, today: date | None = None, user: str = "") -> str:
    """The environment block. `today` is the local date unless another is given; `user` what the user is called."""
    day = today or datetime.now().astimezone().date()
    known = {
        "Working directory": str(directory),
        "Project root": str(root),
        "Git": _git(root),
        "System": f"{platform.system()} {platform.release()} ({platform.machine()})",
        "User's shell": Path(os.environ.get("SHELL") or "sh").name,
        "Date": f"{day:%A}, {day.isoformat()}",
        "User": user[:80],
    }
    lines = [f"{name}: {_one_line(value)}" for name, value in known.items() if value]
    return "\n".join(["<environment>", "As it was when this window opened.", *lines, "</environment>"])


def _git(root: Path) -> str:
    name = branch(root)
    if not name:
        return "not a repository"
    linked = ", a linked worktree" if (root / ".git").is_file() else ""
    return f"branch {name}{linked}" if not name.startswith("none") else f"no branch{name.removeprefix('none')}{linked}"


def _one_line(value: str) -> str:
    """File names and branches come from strangers: no line breaks, no tags."""
    plain = "".join(char if char.isprintable() else "?" for char in value)
    return plain.replace("<", "‹").replace(">", "›")
