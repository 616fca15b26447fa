"""Finds the files that hold instructions for agents. Nothing is read here but the length of an AGENTS.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SHORT = 500
"""Characters. An AGENTS.md below that is taken for a signpost, and the CLAUDE.md beside it is read as well."""

NAMES = ("AGENTS.md", "CLAUDE.md", "CONTEXT.md")
"""In each directory the first of these speaks; CONTEXT.md is the oldest convention."""


@dataclass(frozen=True)
class Places:
    """Where to look. `directory` lies in `root`; `own` are the user's own files, the first that exists counts."""

    directory: Path
    root: Path
    own: tuple[Path, ...]
    home: Path
    claude: bool = True
    """Read what was written for Claude Code."""

    @classmethod
    def of(cls, directory: Path, root: Path, config: Path, environ: Mapping[str, str]) -> Places:
        """The places for a session, as the environment has them."""
        home, special = Path(environ.get("HOME") or Path.home()), environ.get("MIMOCODE_CONFIG_DIR", "")
        switches = ("MIMOCODE_DISABLE_CLAUDE_CODE", "MIMOCODE_DISABLE_CLAUDE_CODE_PROMPT")
        off = any(environ.get(name, "").lower() in ("1", "true") for name in switches)
        own = [Path(special) / "AGENTS.md"] if special else []
        own += [config / "AGENTS.md"] + ([] if off else [home / ".claude" / "CLAUDE.md"])
        return cls(directory, root, tuple(own), home, claude=not off)


@dataclass(frozen=True)
class Candidate:
    """A file that may be read. What it links to or imports must stay within `inside`, if there is one."""

    path: Path
    inside: Path | None = None
    refusal: str = ""
    """Why it is not even tried."""
    written: str = ""
    """How the user wrote it, when that is not a path."""

    def __str__(self) -> str:
        return self.written or str(self.path)


def candidates(places: Places, wanted: Iterable[str] = ()) -> Iterator[Candidate]:
    """Files in the order in which they are read: the user's own, the project's from its root down, the settings'."""
    for path in places.own:
        if path.is_file():
            yield Candidate(path)
            break
    for directory in chain(places.directory, places.root):
        for path in named(directory, claude=places.claude):
            yield Candidate(path, places.root)
    for pattern in wanted:
        yield from _wanted(pattern, places)


def chain(directory: Path, root: Path) -> list[Path]:
    """The directories from the root down to this one; this one alone when it lies elsewhere."""
    if not directory.is_relative_to(root):
        return [directory]
    return [place for place in (directory, *directory.parents) if place.is_relative_to(root)][::-1]


def named(directory: Path, *, claude: bool = True) -> list[Path]:
    """What speaks in one directory: the first of `NAMES`, and CLAUDE.md too if AGENTS.md only points elsewhere."""
    found = [path for name in NAMES if (path := _beside(directory, name, claude)) is not None]
    if len(found) > 1 and (found[0].name, found[1].name) == ("AGENTS.md", "CLAUDE.md") and _short(found[0]):
        return found[:2]
    return found[:1]


def _beside(directory: Path, name: str, claude: bool) -> Path | None:
    if name == "CLAUDE.md" and not claude:
        return None
    places = [directory / name] + ([directory / ".claude" / name] if name == "CLAUDE.md" else [])
    return next((path for path in places if path.is_file() or path.is_symlink()), None)


def _short(path: Path) -> bool:
    try:
        brief = path.is_file() and path.stat().st_size < 4 * SHORT
        return brief and len(path.read_text(encoding="utf-8", errors="replace")) < SHORT
    except OSError:
        return False


def _wanted(pattern: str, places: Places) -> Iterator[Candidate]:
    """The files that one entry of the setting names."""
    if "://" in pattern:
        yield Candidate(Path(), refusal="addresses are not fetched", written=pattern)
        return
    if pattern.startswith("~/"):
        pattern = str(places.home / pattern[2:])
    found = [Candidate(path) for path in _matches(pattern, places)]
    yield from found or [Candidate(Path(pattern), refusal="no such file")]


def _matches(pattern: str, places: Places) -> list[Path]:
    path = Path(pattern)
    if path.is_absolute():
        return sorted(match for match in path.parent.glob(path.name) if match.is_file())
    for directory in reversed(chain(places.directory, places.root)):
        if matches := sorted(match for match in directory.glob(pattern) if match.is_file()):
            return matches
    return []
