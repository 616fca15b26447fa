"""Where a session works: kept in the log, inherited by the sessions that it starts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import ToolFailed
from mimocode.events import Noted

from ..place import Place, show

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "directory"


def settle(session: Session) -> None:
    """Put the session where its log says; a directory that is gone is passed over."""
    said = session.state.notes.get(NOTES)
    if said:
        directory = Path(str(said[-1]["path"]))
    else:
        directory = session.parent.directory if session.parent else session.host.directory
    session.directory = directory if directory.is_dir() else session.host.directory


async def move(session: Session, path: str) -> Path:
    """Work in another directory from now on; "~" or nothing leads back to where the session began.

    Raises:
        ToolFailed: it is no directory, or cannot be entered.
    """
    directory = _found(session, path.strip())
    session.directory = directory
    await session.emit(Noted(NOTES, {"path": str(directory)}))
    return directory


def _found(session: Session, path: str) -> Path:
    if path in ("", "~"):
        return session.host.directory
    directory = Path(os.path.realpath(Place(session.host.root, session.directory).find(path)))
    if not directory.is_dir():
        raise ToolFailed(f"{show(directory)} is {'not a directory' if directory.exists() else 'not there'}.")
    if not os.access(directory, os.R_OK | os.X_OK):
        raise ToolFailed(f"{show(directory)} cannot be entered: permission denied.")
    return directory
