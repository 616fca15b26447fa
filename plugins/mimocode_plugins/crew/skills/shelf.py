"""Where skills are looked for, low to high, and which one of a name counts (surface.md 8.4)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import SettingsError
from mimocode.ports import StashKey
from mimocode_plugins.crew.assets import open_asset, root
from mimocode_plugins.crew.places import escapes, home, project, switched_on

from . import urls
from .reading import Skill, read

if TYPE_CHECKING:
    from mimocode.host import Host

FOREIGN = {".claude": "CLAUDE_CODE", ".codex": "CODEX", ".opencode": "OPENCODE"}
"""Folders of other products; MIMOCODE_ENABLE_<NAME>_SKILLS opens them."""
KINDS = ("skill", "skills")
DEEPEST = 5
"""Levels below a skills folder."""
PROJECT_FOLDERS = (".mimocode", ".agents", *FOREIGN)


@dataclass(frozen=True)
class Folder:
    """A folder that holds skills."""

    path: Path
    source: str
    project: bool = False


@dataclass
class Shelf:
    """The skills of a host."""

    skills: dict[str, Skill] = field(default_factory=dict)
    """By name, the one that counts."""
    problems: list[str] = field(default_factory=list)
    waiting: list[Path] = field(default_factory=list)
    """Of a project that is not trusted: there, and not read."""
    stamp: object = None
    _told: set[str] = field(default_factory=set)

    def offered(self) -> list[Skill]:
        """What an agent may bring in by itself."""
        return [skill for _, skill in sorted(self.skills.items()) if skill.for_agents]

    def find(self, name: str) -> Skill | None:
        """By its name or another of its names, with or without the slash."""
        wanted = name.strip().removeprefix("/").lower()
        if wanted in self.skills:
            return self.skills[wanted]
        return next((s for s in self.skills.values() if wanted in s.aliases), None)

    def unsaid(self) -> list[str]:
        """What nobody has been told yet."""
        lines = list(self.problems)
        if self.waiting:
            names = ", ".join(path.parent.name for path in self.waiting[:5])
            lines.append(f"skills of this project wait until you trust it: {names}")
        fresh = [line for line in lines if line not in self._told]
        self._told.update(fresh)
        return fresh


_shelf: StashKey[Shelf] = StashKey("crew.skills.shelf")


def shelf(host: Host) -> Shelf:
    """The skills as they are now; files are only read again when one of them changed."""
    known: Shelf | None = host.stash.get(_shelf)
    found = [(folder, path) for folder in folders(host) for path in _inside(folder, host)]
    absent = tuple(urls.problems(host))
    stamp = (host.trusted, absent, tuple((path, _changed(path)) for _, path in found))
    if known is not None and known.stamp == stamp:
        return known
    fresh = Shelf(stamp=stamp, problems=list(absent), _told=known._told if known else set())
    for folder, path in found:
        _take(fresh, folder, path, host)
    host.stash[_shelf] = fresh
    return fresh


def _take(shelf: Shelf, folder: Folder, path: Path, host: Host) -> None:
    stray = path.name.lower() != "skill.md"
    if folder.project and not host.trusted:
        shelf.waiting += [] if stray else [path]
        return
    try:
        if stray and "description" in open_asset(path, path.stem, folder.source).meta:
            raise SettingsError(f"a skill is a folder: move this to {path.stem}/SKILL.md", str(path))
        if stray:
            return
        skill = read(path, folder.source)
    except SettingsError as error:
        shelf.problems.append(f"{error} (left out)")
        return
    if skill.name.startswith("compose:") and switched_on(host, "MIMOCODE_DISABLE_COMPOSE_SKILLS"):
        return
    if (before := shelf.skills.get(skill.name)) is not None:
        skill = replace(skill, replaces=(str(before.path), *before.replaces))
    shelf.skills[skill.name] = skill


def folders(host: Host) -> Iterator[Folder]:
    """Low to high: shipped, other products' folders in home and project, then ours: user, project, settings."""
    own = home(host)
    if not switched_on(host, "MIMOCODE_DISABLE_BUILTIN_SKILLS"):
        yield Folder(root("skills"), "shipped")
    foreign = [name for name, flag in FOREIGN.items() if switched_on(host, f"MIMOCODE_ENABLE_{flag}_SKILLS")]
    foreign = [name for name in foreign if not switched_on(host, f"MIMOCODE_DISABLE_{FOREIGN[name]}_SKILLS")]
    foreign += [] if switched_on(host, "MIMOCODE_DISABLE_AGENTS_SKILLS") else [".agents"]
    if not switched_on(host, "MIMOCODE_DISABLE_EXTERNAL_SKILLS"):
        yield from (Folder(own / name / "skills", "user") for name in foreign)
    inside = project(host)
    if not switched_on(host, "MIMOCODE_DISABLE_EXTERNAL_SKILLS"):
        yield from (Folder(at / name / "skills", "project", True) for at in inside for name in foreign)
    yield from _both(host.paths.config, "user")
    yield from _both(own / ".mimocode", "user")
    for at in inside:
        yield from _both(at / ".mimocode", "project", project=True)
    if special := host.environ.get("MIMOCODE_CONFIG_DIR"):
        yield from _both(Path(special), "user")
    for name in getattr(host.settings["skills"], "paths", ()):
        yield Folder(host.root / Path(name).expanduser(), "settings")
    yield from (Folder(urls.place(host, url) / "skills", url) for url in urls.urls(host))


def _both(path: Path, source: str, *, project: bool = False) -> Iterator[Folder]:
    yield from (Folder(path / kind, source, project) for kind in KINDS)


def _inside(folder: Folder, host: Host) -> Iterator[Path]:
    """The SKILL.md files of a folder by name, however it is spelled; a skill's own folders hold no more skills."""
    for at, inner, files in os.walk(folder.path, followlinks=True):
        if escapes(Path(at), host, project=folder.project):
            inner.clear()
            continue
        depth = len(Path(at).relative_to(folder.path).parts)
        inner[:] = sorted(name for name in inner if not name.startswith(".") and name != "node_modules")
        if found := [name for name in files if name.lower() == "skill.md"]:
            yield Path(at, "SKILL.md" if "SKILL.md" in found else found[0])
            inner.clear()
        elif not depth:
            yield from (Path(at, name) for name in sorted(files) if name.endswith(".md") and name != "README.md")
        if depth >= DEEPEST:
            inner.clear()


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
