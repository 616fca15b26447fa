"""Walk a directory tree as git sees it: ignored files, `.git` and links are left out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import GitIgnoreSpec


@dataclass
class Rules:
    """The ignore files that apply in a directory, from the outermost to the innermost."""

    specs: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    @classmethod
    def above(cls, top: Path) -> Rules:
        """The rules that the directories above `top` set for what is in it; none when they ignore `top` itself,
        for then it was asked for by name."""
        chain: list[Path] = []
        for directory in top.parents if not (top / ".git").exists() else ():
            chain.append(directory)
            if (directory / ".git").exists():
                break
        rules = cls()
        for directory in reversed(chain):
            rules = rules.within(str(directory))
        return cls() if rules.ignore(str(top), True) else rules

    def within(self, directory: str) -> Rules:
        """The rules inside a directory. A repository inside another one starts afresh."""
        specs = self.specs
        if os.path.exists(f"{directory}/.git"):  # noqa: PTH110 - called for each directory of a tree
            specs = _spec(directory, ".git/info/exclude")
        return Rules(specs + _spec(directory, ".gitignore"))

    def ignore(self, path: str, is_directory: bool) -> bool:
        """Whether a path is ignored; the innermost rule that speaks of it decides."""
        for base, spec in reversed(self.specs):
            relative = path[len(base) + (base != "/") :] + "/" * is_directory
            if (include := spec.check_file(relative).include) is not None:
                return include
        return False


@dataclass
class Walk:
    """A walk below `top`. `denied` counts the directories that could not be read."""

    top: Path
    denied: int = 0
    stopped: bool = field(default=False)
    """Set it to end the walk early."""

    def files(self) -> Iterator[os.DirEntry[str]]:
        """The regular files, directories in order of their names."""
        waiting = [(str(self.top), Rules.above(self.top).within(str(self.top)))]
        while waiting and not self.stopped:
            directory, rules = waiting.pop()
            try:
                with os.scandir(directory) as listed:
                    entries = sorted(listed, key=lambda entry: entry.name)
            except OSError:
                self.denied += 1
                continue
            below = []
            for entry in entries:
                is_directory = entry.is_dir(follow_symlinks=False)
                if entry.name == ".git" or rules.ignore(entry.path, is_directory):
                    continue
                if is_directory:
                    below.append((entry.path, rules.within(entry.path)))
                elif entry.is_file(follow_symlinks=False):
                    yield entry
            waiting += reversed(below)


def _spec(directory: str, name: str) -> tuple[tuple[str, GitIgnoreSpec], ...]:
    try:
        lines = Path(directory, name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    return ((directory, GitIgnoreSpec.from_lines(lines)),)
