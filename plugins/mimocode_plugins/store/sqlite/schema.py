"""The tables, how a file is opened, and what SQLite's failures mean to the user."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

from mimocode.errors import StoreError

APPLICATION = 0x4D694D6F
"""`PRAGMA application_id` of our files: "MiMo"."""

MIGRATIONS = (
    # Ordinary tables with a rowid: facts are large and come in order, so they go to the end of the file, while
    # WITHOUT ROWID would keep them inside the key's tree (measured: the same speed small, worse fan-out large).
    """
    CREATE TABLE facts(
        session TEXT NOT NULL, seq INTEGER NOT NULL, time REAL NOT NULL, type TEXT NOT NULL,
        hash BLOB NOT NULL, json TEXT NOT NULL, PRIMARY KEY(session, seq));
    CREATE TABLE sessions(
        id TEXT PRIMARY KEY, directory TEXT NOT NULL, title TEXT NOT NULL, created REAL NOT NULL,
        updated REAL NOT NULL, parent TEXT NOT NULL, facts INTEGER NOT NULL, hash BLOB NOT NULL);
    CREATE INDEX children ON sessions(parent) WHERE parent <> '';
    CREATE TABLE leases(
        session TEXT PRIMARY KEY, owner TEXT NOT NULL, pid INTEGER NOT NULL, host TEXT NOT NULL,
        machine TEXT NOT NULL, started TEXT NOT NULL, since REAL NOT NULL, beat REAL NOT NULL);
    CREATE TABLE history(
        id INTEGER PRIMARY KEY, session TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
        tool TEXT NOT NULL, call TEXT NOT NULL, text TEXT NOT NULL);
    CREATE INDEX told ON history(session, seq);
    CREATE VIRTUAL TABLE words USING fts5(text, content='', tokenize='porter unicode61 remove_diacritics 2');
    """,
)
"""Statement lists, each of which lifts the file by one version. Old ones are never changed."""

SCHEMA = len(MIGRATIONS)

WAL_PAGES = 1000
"""The write-ahead log is moved into the file when it holds this many pages (4 MB)."""
WAL_BYTES = 16 * 1024 * 1024
"""A write-ahead log that a reader made grow is cut back to this size."""

_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT}


def connect(path: str, patience: float) -> sqlite3.Connection:
    """Open the file, or make it readable by its owner alone, and bring its tables up to date.

    Args:
        path: a file or ":memory:".
        patience: seconds to wait for another process that writes.

    Raises:
        StoreError: it cannot be opened, is damaged, is another program's or was written by a newer version.
    """
    try:
        if path != ":memory:":
            _make(Path(path))
        db = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise explain(error, path, patience) from error
    try:
        _check(db, path)
        _patiently(db, "PRAGMA journal_mode=WAL", patience)
        # Durable against the death of the process: what is committed is with the operating system. FULL would
        # also survive a power cut without losing the last moments, for a disk flush (1 to 20 ms) at every fact;
        # with NORMAL a power cut may lose those moments but never the order or the file.
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES}")
        db.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
        db.execute("PRAGMA secure_delete=ON")  # what the user deletes is overwritten, not only unlinked
        _migrate(db, path)
    except (OSError, sqlite3.Error) as error:
        db.close()
        raise explain(error, path, patience) from error
    except StoreError:
        db.close()
        raise
    return db


def _make(path: Path) -> None:
    """Make the file with the right mode. An existing one is not touched: closing it would drop SQLite's locks."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _check(db: sqlite3.Connection, path: str) -> None:
    (mark,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and mark != APPLICATION:
        raise StoreError(f"{path} is another program's database; set MIMOCODE_DB to a file of its own")
    _version(db, path)


def _version(db: sqlite3.Connection, path: str) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer version of MiMo Code (schema {version}, this one knows {SCHEMA}); "
            "update MiMo Code or set MIMOCODE_DB to another file"
        )
    return int(version)


def _patiently(db: sqlite3.Connection, sql: str, patience: float) -> None:
    """Run what SQLite does not wait for by itself: two processes may create the file at the same moment."""
    give_up = time.monotonic() + patience
    while True:
        try:
            db.execute(sql).fetchall()
            return
        except sqlite3.OperationalError as error:
            if _primary(error) not in _LOCKED or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _migrate(db: sqlite3.Connection, path: str) -> None:
    if _version(db, path) == SCHEMA:
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for script in MIGRATIONS[_version(db, path) :]:  # asked again: another process may have been quicker
            for statement in filter(str.strip, script.split(";")):
                db.execute(statement)
        db.execute(f"PRAGMA application_id={APPLICATION}")
        db.execute(f"PRAGMA user_version={SCHEMA}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def explain(error: Exception, path: str, patience: float) -> StoreError:
    """One sentence for what SQLite or the system said: what is wrong, where, what to do."""
    code = _primary(error)
    if code == sqlite3.SQLITE_FULL:
        return StoreError(f"the disk that holds {path} is full; free some space: what was shown so far is kept")
    if code in _READ_ONLY or isinstance(error, PermissionError):
        return StoreError(f"{path} cannot be written; make it and its directory writable or set MIMOCODE_DB")
    if code in _LOCKED:
        return StoreError(f"{path} stayed locked by another process for {patience:g} s; close that one or try again")
    if code in _DAMAGED:
        return StoreError(f"{path} is damaged or not a database ({error}); move it away or restore a backup of it")
    if code == sqlite3.SQLITE_IOERR:
        return StoreError(f"the disk that holds {path} fails or is full ({error}); what was shown so far is kept")
    if code == sqlite3.SQLITE_TOOBIG or isinstance(error, OverflowError):
        return StoreError(f"a single fact is too large for {path} (about 1 GB)")
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return StoreError(f"{path} is closed already")
    if isinstance(error, OSError):
        return StoreError(f"{path} cannot be opened: {error.strerror or error}")
    return StoreError(f"{path} cannot be used: {error}")


def _primary(error: Exception) -> int:
    """SQLite's primary result code; 0 when it is not SQLite's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
