"""The index as an SQLite file beside the memory files. It can be thrown away: the files are the record.

An entry is a paragraph or a bullet of a file. Its stems stand in `entries.stems`, ready to be counted, and `postings`
answers which entries hold one. Of every word that was ever seen, the FTS5 table `pieces` keeps the trigrams, so that a
piece of an identifier finds the identifier.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from mimocode.errors import StoreError

from . import postings
from .recent import Recent
from .stem import stem
from .text import dated, days, words

VERSION = 6
HEADING = "heading"
"""Status of an entry that is one: it stands for itself alone, and is no answer by what is beside it."""
TAIL = 256
"""Entries that wait to be put into `postings` together: one by one, each would cost ten times as much."""
SCHEMA = """
CREATE TABLE documents(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, scope TEXT NOT NULL, owner TEXT NOT NULL,
  type TEXT NOT NULL, stamp TEXT NOT NULL, sum BLOB NOT NULL, entries INTEGER NOT NULL DEFAULT 0,
  first INTEGER NOT NULL DEFAULT 0, last INTEGER NOT NULL DEFAULT 0);
CREATE TABLE entries(id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, place INTEGER NOT NULL,
  key TEXT NOT NULL, text TEXT NOT NULL, stems TEXT NOT NULL, length INTEGER NOT NULL, time REAL NOT NULL,
  status TEXT NOT NULL);
CREATE UNIQUE INDEX entries_in_order ON entries(document, place);
CREATE INDEX documents_of ON documents(scope, owner);
CREATE TABLE vocabulary(id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE VIRTUAL TABLE pieces USING fts5(word, content='', detail=none, columnsize=0, tokenize='trigram');
CREATE TABLE totals(entries INTEGER NOT NULL, length INTEGER NOT NULL, documents INTEGER NOT NULL,
  indexed INTEGER NOT NULL);
INSERT INTO totals VALUES(0, 0, 0, 0);
"""


@dataclass(frozen=True)
class Entry:
    """A piece of a document as it goes into the index. `key` names it in its document: a line number, an item's id."""

    key: str
    text: str
    time: float = 0.0
    status: str = ""
    context: str = ""
    """Words that belong to it without standing in it, like the heading above."""


@dataclass(frozen=True)
class Document:
    """A file, or whatever entries belong to."""

    path: str
    scope: str = ""
    owner: str = ""
    type: str = ""


class Index:
    """One connection under one lock, for any thread.

    Raises:
        StoreError: from every method, when the file cannot be used.
    """

    def __init__(self, path: Path | str) -> None:
        self.path, self.lock = str(path), RLock()
        self.seen: set[str] = set()
        """Words known to be in the vocabulary, so that most inserts need not ask."""
        self.recent = Recent()
        self.damaged = False
        """Whether a page of the file could not be read."""
        try:
            self.db = _open(self.path)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the memory index {path} cannot be opened: {error}") from error

    def put(self, document: Document, entries: Sequence[Entry], stamp: str = "", sum: bytes = b"") -> None:
        """Make a document consist of these entries; those that are unchanged stay as they are."""
        with self.writing() as db:
            id = self._document(document, stamp, sum)
            old = db.execute(
                "SELECT id, place, key, text, time, status FROM entries WHERE document=? ORDER BY place", (id,)
            ).fetchall()
            same = 0
            for entry, (_, _, *rest) in zip(entries, old, strict=False):
                if (entry.key, entry.text, entry.time, entry.status) != tuple(rest):
                    break
                same += 1
            self._delete(id, [row[0] for row in old[same:]])
            for place, entry in enumerate(entries[same:], same):
                self._insert(id, place, entry)
            self.settle(TAIL)

    def append(self, document: Document, entry: Entry) -> None:
        """Add one entry at the end of a document."""
        with self.writing() as db:
            id = self._document(document, "", b"")
            last = db.execute("SELECT coalesce(max(place) + 1, 0) FROM entries WHERE document=?", (id,)).fetchone()
            self._insert(id, last[0], entry)
            self.settle(TAIL)

    def drop(self, paths: Iterable[str]) -> None:
        """Forget documents."""
        with self.writing() as db:
            for path in paths:
                for (id,) in db.execute("SELECT id FROM documents WHERE path=?", (path,)).fetchall():
                    rows = db.execute("SELECT id FROM entries WHERE document=?", (id,)).fetchall()
                    self._delete(id, [row[0] for row in rows])
                    db.execute("DELETE FROM documents WHERE id=?", (id,))
                    db.execute("UPDATE totals SET documents = documents - 1")

    def stamps(self, folders: Iterable[str], elsewhere: bool = False) -> dict[str, tuple[str, bytes]]:
        """Stamp and checksum of the documents below some folders, by path.

        Args:
            elsewhere: also of those that lie elsewhere, but for Claude Code's.
        """
        sql, found = "SELECT path, stamp, sum FROM documents WHERE", list[tuple[str, str, bytes]]()
        with self.reading() as db:
            for folder in folders:
                found += db.execute(f"{sql} path > ? AND path < ?", (f"{folder}/", f"{folder}0")).fetchall()
            if elsewhere:
                found += db.execute(f"{sql} scope <> 'cc'").fetchall()
        return {path: (stamp, sum) for path, stamp, sum in found}

    def touch(self, path: str, stamp: str) -> None:
        """A file is other by date and the same by content."""
        with self.writing() as db:
            db.execute("UPDATE documents SET stamp=? WHERE path=?", (stamp, path))

    def close(self) -> None:
        """Let go of the file, and take it away if it turned out to be damaged: the files are the record."""
        with self.lock:
            self.db.close()
            if self.damaged:
                _remove(self.path)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time."""
        with self.lock:
            try:
                yield self.db
            except sqlite3.Error as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                    self.damaged = True
                    raise StoreError(f"the memory index {self.path} is damaged and made anew: try again") from error
                raise StoreError(f"the memory index {self.path} cannot be used: {error}") from error

    @contextmanager
    def looking(self) -> Iterator[sqlite3.Connection]:
        """The index as it is at one moment, whoever writes meanwhile."""
        with self.reading() as db:
            if db.in_transaction:
                yield db
                return
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; inside another it is part of that."""
        with self.reading() as db:
            if db.in_transaction:
                yield db
                return
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                self.seen.clear()
                self.recent.forget()
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _document(self, document: Document, stamp: str, sum: bytes) -> int:
        where = (document.path, document.scope, document.owner, document.type)
        row = self.db.execute("SELECT id FROM documents WHERE path=?", (document.path,)).fetchone()
        if row is None:
            self.db.execute("UPDATE totals SET documents = documents + 1")
            made = self.db.execute(
                "INSERT INTO documents(path, scope, owner, type, stamp, sum) VALUES(?, ?, ?, ?, ?, ?)",
                (*where, stamp, sum),
            )
            return int(made.lastrowid or 0)
        if sum:
            self.db.execute("UPDATE documents SET stamp=?, sum=? WHERE id=?", (stamp, sum, row[0]))
        return int(row[0])

    def _insert(self, id: int, place: int, entry: Entry) -> None:
        said = words(f"{entry.context} {entry.text}" if entry.context else entry.text)
        stems = f" {' '.join(map(stem, said))} "
        when = dict.fromkeys([*dated(entry.time).split(), *days(entry.text)])
        if when:
            stems += f"{' '.join(when)} "
        made = self.db.execute(
            "INSERT INTO entries(document, place, key, text, stems, length, time, status)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            (id, place, entry.key, entry.text, stems, len(said), entry.time, entry.status),
        ).lastrowid
        self.db.execute("UPDATE totals SET entries = entries + 1, length = length + ?", (len(said),))
        self.db.execute(
            "UPDATE documents SET entries = entries + 1, last = ?1, first = iif(first = 0, ?1, first) WHERE id=?2",
            (made, id),
        )

    def settle(self, least: int = 1, most: int = -1) -> bool:
        """Put what waits into `postings`, or `most` of it, if `least` entries do; whether there was anything to do."""
        with self.writing() as db:
            (done,) = db.execute("SELECT indexed FROM totals").fetchone()
            last = db.execute("SELECT max(id) FROM entries").fetchone()[0] or 0
            if last - done < least:
                return False
            sql = "SELECT id, stems, text FROM entries WHERE id > ? ORDER BY id LIMIT ?"
            rows = db.execute(sql, (done, most)).fetchall()
            postings.add(db, ((id, set(stems.split())) for id, stems, _ in rows))
            fresh = {word for _, _, text in rows for word in words(text)}
            db.execute("UPDATE totals SET indexed = ?", (rows[-1][0] if rows else last,))
            self.recent.forget()
            self._learn(fresh - self.seen)
        return True

    def _learn(self, fresh: set[str]) -> None:
        asked = sorted(word for word in fresh if len(word) > 2)
        for start in range(0, len(asked), 500):
            some = asked[start : start + 500]
            known = self.db.execute(f"SELECT word FROM vocabulary WHERE word IN ({','.join('?' * len(some))})", some)
            new = set(some).difference(word for (word,) in known)
            (last,) = self.db.execute("SELECT coalesce(max(id), 0) FROM vocabulary").fetchone()
            rows = list(enumerate(sorted(new), last + 1))
            self.db.executemany("INSERT INTO vocabulary(id, word) VALUES(?, ?)", rows)
            self.db.executemany("INSERT INTO pieces(rowid, word) VALUES(?, ?)", rows)
        self.seen |= fresh

    def _delete(self, document: int, ids: Sequence[int]) -> None:
        if not ids:
            return
        (indexed,) = self.db.execute("SELECT indexed FROM totals").fetchone()
        self.recent.forget()
        gone, total = list[tuple[int, set[str]]](), 0
        for id in ids:
            stems, length = self.db.execute("SELECT stems, length FROM entries WHERE id=?", (id,)).fetchone()
            total += length
            if id <= indexed:
                gone.append((id, set(stems.split())))
            self.db.execute("DELETE FROM entries WHERE id=?", (id,))
        postings.remove(self.db, gone)
        self.db.execute("UPDATE totals SET entries = entries - ?, length = length - ?", (len(ids), total))
        self.db.execute(_SPAN, (document, len(ids)))


_SPAN = """
UPDATE documents SET entries = entries - ?2,
  first = coalesce((SELECT id FROM entries WHERE document = ?1 ORDER BY place LIMIT 1), 0),
  last = coalesce((SELECT id FROM entries WHERE document = ?1 ORDER BY place DESC LIMIT 1), 0)
WHERE id = ?1
"""


def _open(path: str) -> sqlite3.Connection:
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    db = _connect(path)
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] == VERSION:
            return db
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise sqlite3.DatabaseError("another version")
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        db.close()  # damaged, or made by another version: the files are the record, so begin again
        _remove(path)
        db = _connect(path)
    db.execute("BEGIN IMMEDIATE")
    if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:  # unless another process was quicker
        for statement in (SCHEMA + postings.SCHEMA).split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version={VERSION}")
    db.execute("COMMIT")
    return db


def _remove(path: str) -> None:
    for end in ("", "-wal", "-shm"):
        Path(path + end).unlink(missing_ok=True)


def _connect(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    db.execute("PRAGMA busy_timeout=5000")
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA wal_autocheckpoint=4000")  # 16 MB; at the usual 4 MB one insert in a hundred waits
        db.execute("PRAGMA mmap_size=1073741824")
    except sqlite3.DatabaseError:
        pass  # asked again by whoever uses it
    return db
