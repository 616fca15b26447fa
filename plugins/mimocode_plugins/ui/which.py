"""Which sessions belong to a project, and which of them is the latest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError
from mimocode.events import Entry, MessageAdded
from mimocode.ports import SessionInfo, Store

if TYPE_CHECKING:
    from mimocode.host import Host

NAMED, WORDS = 100, 50
"""So many sessions without a title, the latest, are looked into for a name of so many characters."""
_ATTACHED = re.compile(r"<(shell|file|directory|resource)\b.*?</\1>", re.DOTALL)
SELF_MADE = ("Auto Dream", "Auto Distill")
"""Titles of sessions that nobody held, so that nobody wants to go on with them (surface.md 1.2)."""


def belongs(info: SessionInfo, root: Path) -> bool:
    """Whether a session is one of the project at `root`.

    Below the home directory or the root of the file system everything is somebody else's project, so there only
    the directory itself counts.
    """
    if info.directory == str(root):
        return True
    return root not in (Path.home(), Path(root.anchor)) and Path(info.directory).is_relative_to(root)


def held_here(infos: list[SessionInfo], root: Path) -> list[SessionInfo]:
    """The sessions of a project that people held, latest change first."""
    return [info for info in infos if not info.parent and info.title not in SELF_MADE and belongs(info, root)]


def names(infos: Iterable[SessionInfo], store: Store) -> dict[str, str]:
    """What sessions are called, by id: their titles, else the first words of the user; "" when neither is known."""
    found = {info.id: info.title for info in infos}
    for id in [id for id, title in found.items() if not title][:NAMED]:
        found[id] = first_words(store.read(id))
    return found


def first_words(entries: Iterable[Entry]) -> str:
    """The beginning of what the user said first, without what was attached."""
    for entry in entries:
        if isinstance(entry.event, MessageAdded) and entry.event.message.role == "user":
            message = entry.event.message
            if words := "" if message.origin else " ".join(_ATTACHED.sub("", message.text).split()):
                return words if len(words) <= WORDS else f"{words[: WORDS - 1]}…"
    return ""


async def latest(host: Host) -> str:
    """The session of this project that changed last.

    Raises:
        UsageError: there is none yet.
    """
    for info in held_here((await host.store()).sessions(), host.root):
        return info.id
    raise UsageError(f"there is no session in {host.root} to go on with: leave out --continue to begin one.")
