"""Read, write and change files: atomically, and without touching a byte that was not meant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import StashKey, ToolServer

if TYPE_CHECKING:
    from mimocode.session import Session

LOCKS: StashKey[dict[str, Lock]] = StashKey("files.locks")
"""One lock per file, shared by all sessions of a host."""


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `read`, `write` and `edit`."""
    locks = session.host.stash.setdefault(LOCKS, {})

    def open_() -> Any:
        from ..place import Place
        from .server import build

        return build(Place(session.host.root, session.directory), locks)

    return [ToolServer("files", open_, Path(__file__).with_name("catalogue.json"))]
