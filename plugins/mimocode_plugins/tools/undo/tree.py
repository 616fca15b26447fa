"""The whole project as it is before a command, which may change anything: bounded in files, bytes and time.

Contents are read once; later only what has another stamp is read again. Of what git ignores, dependencies are left out
and directories with very many files, unless the command names them (`blind` tells of them). Links are never followed.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .blobs import Blobs
from .shape import Stamp, shape, stamp, unread

FILES = 10_000
"""A project with more files is not looked at as a whole, only the files that a command names."""
IGNORED = 2_000
"""Files that git ignores and that are looked at all the same: settings, what was built."""
LARGEST = 2_000_000
"""Bytes of the largest file that is kept when only a command could change it."""
SECONDS = 2.5
"""How long a look may take; files that were not reached are named as not kept."""
_FRESH = 50_000_000
"""Nanoseconds within which a file may change again without another time stamp."""
PASSED = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".tox", "target"}
)
"""Directories that are not looked at: dependencies, caches, what others keep books of themselves."""
_TAKES_AWAY = re.compile(r"\b(rm|rmdir|mv|shred|unlink|find|rsync|clean|truncate)\b")
_LOOKS = re.compile(
    r"(?:ls|pwd|cat|head|tail|wc|grep|rg|echo|which|stat|file|du|df|date|whoami|uname|id|true|cd|nl|cmp|md5sum|sha\d+sum"
    r"|git (?:status|log|show|diff|branch|rev-parse|blame|remote -v)(?=\s|$)(?!.*--output))(?=\s|$)"
)


@dataclass
class Tree:
    """What is known of a project's files: path to what it was and its stamp at that time."""

    root: Path
    blobs: Blobs
    known: dict[str, tuple[Stamp, str]] = field(default_factory=dict)

    def look(self, command: str, directory: Path) -> dict[str, str]:
        """Every file that a command may change, as it is now."""
        named = list(_named(command, directory, self.root))
        paths = [*self.project(), *named]
        took = _TAKES_AWAY.search(command)
        for name in named if took else ():
            if os.path.isdir(name) and not os.path.islink(name):  # noqa: PTH112, PTH114
                paths += _walked(name, passed=frozenset({".git"}))
        return self.see(paths)

    def see(self, paths: Iterable[str]) -> dict[str, str]:
        """These files as they are now, without those that are not there or are directories."""
        found: dict[str, str] = {}
        own, until = str(self.blobs.directory) + os.sep, time.monotonic() + SECONDS
        for path in dict.fromkeys(paths):
            if path.startswith(own) or len(found) > FILES:
                continue
            state = self._one(path, late=time.monotonic() > until)
            if state and state not in ("?directory", "?odd"):
                found[path] = state
        return found

    def _one(self, path: str, late: bool) -> str:
        try:
            about = os.lstat(path)
        except OSError:
            return ""
        if not stat.S_ISREG(about.st_mode):
            return "?link" if stat.S_ISLNK(about.st_mode) else "?odd"
        seen, now = self.known.get(path), stamp(about)
        if seen and seen[0] == now:
            return seen[1]
        if late:
            return unread(Path(path))
        state = shape(Path(path), self.blobs, LARGEST)
        if time.time_ns() - about.st_mtime_ns > _FRESH:
            self.known[path] = now, state
        return state

    def project(self) -> list[str]:
        """The files that are looked at, whatever a command says: none where there are too many."""
        if self.root in (Path.home(), Path(self.root.anchor)):
            return []
        try:
            paths = self._listed("-zco")
            paths += self._ignored(FILES - len(paths)) if len(paths) <= FILES else []
        except (OSError, subprocess.SubprocessError):
            paths = _walked(str(self.root))
        return paths if len(paths) <= FILES else []

    def _listed(self, *words: str) -> list[str]:
        listed = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "ls-files", *words, "--exclude-standard"],
            cwd=self.root,
            capture_output=True,
            timeout=SECONDS,
            stdin=subprocess.DEVNULL,
            check=True,
        ).stdout
        return [os.path.join(self.root, os.fsdecode(name)) for name in listed.split(b"\0") if name]  # noqa: PTH118

    def _ignored(self, room: int) -> list[str]:
        """What git ignores, directory by directory as long as there is room."""
        found: list[str] = []
        for path in self._listed("-zoi", "--directory"):
            if not PASSED.isdisjoint(Path(path).parts):
                continue
            inside = _walked(path.rstrip("/"), most=IGNORED) if path.endswith("/") else [path]
            inside = [each for each in inside if not is_others(each)]
            if len(found) + len(inside) <= min(IGNORED, room):
                found += inside
        return found


def is_others(path: str) -> bool:
    """Whether it belongs to a work tree of a subagent, which goes back by rules of its own."""
    return f"{os.sep}.mimocode{os.sep}worktrees" in path


def only_looks(command: str) -> bool:
    """Whether a command surely changes nothing; when in doubt it is said to."""
    if re.search(r"[>`\n\\]|\$\(|<\(", command):
        return False
    return all(_LOOKS.match(part.strip()) for part in re.split(r"\|\|?|&&?|;", command))


def _walked(root: str, passed: frozenset[str] = PASSED, most: int = FILES) -> list[str]:
    """The files below a directory, as many as are looked at and some more."""
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in passed]
        found += [os.path.join(folder, name) for name in names]  # noqa: PTH118
        if len(found) > most:
            break
    return found


def _named(command: str, directory: Path, root: Path) -> Iterator[str]:
    """The words of a command that are files in the project."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        words = command.split()
    for word in words:
        for part in {word, word.rpartition("=")[2], word.lstrip("<>&0123456789")}:
            path = os.path.normpath(directory / part.rstrip(";)")) if part and "\0" not in part else ""
            if path.startswith(str(root) + os.sep) and os.path.realpath(os.path.dirname(path)) == os.path.dirname(path):  # noqa: PTH120
                yield path
