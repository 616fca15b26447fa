"""Where each layer of memory lies, and what kind of file a path is (runtime.md 2.1, 2.4)."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import SessionInfo
    from mimocode.session import Session

_project: StashKey[str] = StashKey("memory.project")
_mine: StashKey[tuple[float, dict[str, bool]]] = StashKey("memory.directories")
LOOK_AGAIN = 60.0
"""Seconds for which is believed whether a directory is the project's; looking reads what lies above it."""
_WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)


@dataclass(frozen=True)
class Layout:
    """The files of one session in one project."""

    base: Path
    """`<data>/memory`."""
    project: str
    session: str = ""

    @property
    def project_folder(self) -> Path:
        """What is known of the project."""
        return self.base / "projects" / self.project

    @property
    def project_file(self) -> Path:
        """The project's MEMORY.md."""
        return self.project_folder / "MEMORY.md"

    @property
    def global_file(self) -> Path:
        """What holds everywhere: the user's preferences."""
        return self.base / "global" / "MEMORY.md"

    @property
    def session_folder(self) -> Path:
        """Checkpoint, notes and tasks of this session."""
        return self.base / "sessions" / self.session

    @property
    def checkpoint(self) -> Path:
        """Written by the checkpoint writer alone."""
        return self.session_folder / "checkpoint.md"

    @property
    def notes(self) -> Path:
        """The agent's scratchpad."""
        return self.session_folder / "notes.md"

    def file(self, scope: str) -> Path:
        """MEMORY.md of a scope, "project" or "global"."""
        return self.global_file if scope == "global" else self.project_file


@dataclass(frozen=True)
class Kind:
    """What a file below the memory folder is: `scope` is global, projects or sessions, `owner` whose."""

    scope: str
    owner: str
    type: str
    rest: tuple[str, ...] = ()
    """The path below the owner's folder."""


def kind(base: Path, path: Path) -> Kind | None:
    """What a file is, or None if it is no memory file."""
    if not path.is_relative_to(base) or path.suffix.lower() != ".md":
        return None
    scope, *rest = path.relative_to(base).parts
    if scope == "global" and rest:
        return Kind(scope, "", _type(rest), tuple(rest))
    if scope in ("projects", "sessions") and len(rest) > 1:
        return Kind(scope, rest[0], _type(rest[1:]), tuple(rest[1:]))
    return None


def _type(rest: list[str]) -> str:
    stem = rest[-1].lower().removesuffix(".md")
    for name in ("memory", "checkpoint"):
        if stem == name or stem.startswith(f"{name}-"):
            return name
    if stem in ("progress", "notes"):
        return stem
    return "free"


def layout(host: Host, session: str = "") -> Layout:
    """The layout for a session of this host. The first call may run git; the answer is kept for the host's life."""
    from .project import project_id

    base = host.paths.data / "memory"
    if _project not in host.stash:
        home = Path(host.environ.get("HOME") or Path.home())
        host.stash[_project] = project_id(host.root, base, home)
    return Layout(base, host.stash[_project], session)


async def ready(host: Host) -> None:
    """Find out in a thread which project this is, so that `layout` answers at once afterwards."""
    if _project not in host.stash:
        await asyncio.to_thread(layout, host)


async def sessions(host: Host) -> list[SessionInfo]:
    """The sessions of this project, wherever it was checked out, latest change first."""
    from .project import directories

    await ready(host)
    known, place = (await host.store()).sessions(), layout(host)
    since, mine = host.stash.get(_mine, (-LOOK_AGAIN, {}))
    if time.monotonic() - since > LOOK_AGAIN:
        since, mine = time.monotonic(), {}
    if new := {info.directory for info in known} - mine.keys():
        found = set(await asyncio.to_thread(directories, new, place.base, place.project))
        mine = mine | {directory: directory in found for directory in new}
        host.stash[_mine] = (since, mine)
    return [info for info in known if mine[info.directory] or info.directory == str(host.directory)]


def family(session: Session) -> list[str]:
    """The ids of this session and of those that started it, the nearest first."""
    ids, holder = list[str](), session
    while True:
        ids.append(holder.id)
        if holder.parent is None:
            return ids
        holder = holder.parent


def tokens(text: str) -> int:
    """About how many tokens a text is: scripts without spaces take about one a character, others one for four."""
    wide = _wide(text)
    return wide + (len(text) - wide + 3) // 4


def breadth(text: str) -> int:
    """About how many Latin letters a text would take: a sign of scripts without spaces says as much as two or three."""
    return len(text) + _wide(text) * 3 // 2


def _wide(text: str) -> int:
    return 0 if text.isascii() else len(_WIDE.findall(text))
