"""Which file the log is in."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from .schema import APPLICATION

MEMORY = ":memory:"
NAME = "mimocode.db"
BESIDE = "mimocode-log.db"


def locate(data: Path, chosen: str = "") -> str:
    """The database to open: what the user chose, else the one in the data directory (surface.md 4.2).

    The original MiMo Code keeps its own `mimocode.db` in the same directory. Who comes from there gets the log
    in a file beside it, and the original's stays as it is.
    """
    if chosen == MEMORY:
        return MEMORY
    if chosen:
        return str(data / Path(chosen).expanduser())
    beside = data / BESIDE
    return str(beside if beside.exists() or _foreign(data / NAME) else data / NAME)


def _foreign(path: Path) -> bool:
    """Whether this is a healthy database that some other program made."""
    if not path.is_file() or not path.stat().st_size:
        return False
    try:
        # Through SQLite and not by reading the header: closing a file drops all locks this process has on it.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=0.5, uri=True)) as db:
            (mark,) = db.execute("PRAGMA application_id").fetchone()
            (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:
        return False  # opening it for good says what is wrong
    return bool(mark != APPLICATION and tables)
