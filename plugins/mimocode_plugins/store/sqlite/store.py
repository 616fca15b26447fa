"""The log in SQLite: `SqliteStore` implements `mimocode.ports.Store` (DESIGN.md section 3)."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event, RLock, Thread
from typing import Any

import msgspec

from mimocode.errors import SessionBusy, StoreError
from mimocode.events import AnyFact, Entry, SessionStarted, Titled, builtins, decode, encode
from mimocode.ports import SessionInfo

from . import chain, history, lease
from .schema import connect, explain

PATIENCE = 4.0
"""Seconds to wait for another process that writes: less than the kernel lets a plugin hold up the process."""
BATCH = 200
"""Facts that `read` fetches at once: no statement stays open between them, so nothing blocks a checkpoint."""
_FAMILY = (
    "WITH RECURSIVE family(id) AS (VALUES(?) UNION SELECT s.id FROM sessions s JOIN family f ON s.parent = f.id)"
    " SELECT id FROM family"
)


class SqliteStore:
    """Keeps the log in one file that several processes may share.

    One connection under one lock, so that it may be used from any thread. Not to be carried across `os.fork`.

    Raises:
        StoreError: from every method, with one sentence, for whatever the disk or another process does.
    """

    def __init__(self, path: str, *, patience: float = PATIENCE, beat: float = lease.BEAT) -> None:
        self.path, self._patience, self._beat = path, patience, beat
        self._lock, self._me = RLock(), lease.Me()
        self._held: dict[str, str] = {}
        self._beaten: dict[str, float] = {}
        self._stop: Event | None = None
        self._db = connect(path, patience)

    # -- writing ----------------------------------------------------------------

    def append(self, session: str, fact: AnyFact) -> Entry:
        """Write one fact; see `Store.append`. Half a surrogate pair, which JSON cannot hold, becomes U+FFFD.

        Raises:
            SessionBusy: the session is someone else's (by now).
        """
        return self.append_at(session, fact, time.time())

    def append_at(self, session: str, fact: AnyFact, now: float) -> Entry:
        """Write a fact of another program's log, when it happened there. More than `Store` promises, as `search` is.

        Args:
            now: Unix seconds.
        """
        try:
            raw = encode(fact)
        except UnicodeEncodeError:
            fact = msgspec.convert(_mended(builtins(fact)), AnyFact)
            raw = encode(fact)
        kind = str(fact.__struct_config__.tag)
        with self._writing() as db:
            row = db.execute("SELECT facts, hash, parent FROM sessions WHERE id=?", (session,)).fetchone()
            self._check_lease(db, session, time.time())
            if row is None:
                started = fact if isinstance(fact, SessionStarted) else SessionStarted("", "")
                row = (0, chain.START, started.parent)
                db.execute(
                    "INSERT INTO sessions(id, directory, title, created, updated, parent, facts, hash)"
                    " VALUES(?, ?, '', ?, ?, ?, 0, x'')",
                    (session, started.directory, now, now, started.parent),
                )
            seq, parent = row[0] + 1, row[2]
            digest = chain.link(row[1], session, seq, now, kind, raw)
            db.execute(
                "INSERT INTO facts(session, seq, time, type, hash, json) VALUES(?, ?, ?, ?, ?, ?)",
                (session, seq, now, kind, digest, raw.decode()),
            )
            db.execute("UPDATE sessions SET updated=?, facts=?, hash=? WHERE id=?", (now, seq, digest, session))
            if isinstance(fact, Titled):
                db.execute("UPDATE sessions SET title=? WHERE id=?", (fact.title, session))
            history.index(db, session, seq, fact)
        return Entry(session, seq, now, fact, parent)

    def delete(self, session: str) -> bool:
        """Forget a session and its children; False if there was none.

        Raises:
            SessionBusy: another process works in one of them.
        """
        with self._writing() as db:
            if db.execute("SELECT 1 FROM sessions WHERE id=?", (session,)).fetchone() is None:
                return False
            family = [one for (one,) in db.execute(_FAMILY, (session,)).fetchall()]
            for one in family:
                holder = lease.find(db, one)
                if holder and self._held.get(one) != holder.owner and self._me.sees_alive(holder):
                    raise lease.busy(one, holder, self._me)
            for one in family:
                history.forget(db, one)
                db.execute("DELETE FROM facts WHERE session=?", (one,))
                db.execute("DELETE FROM leases WHERE session=?", (one,))
                db.execute("DELETE FROM sessions WHERE id=?", (one,))
        return True

    # -- reading ----------------------------------------------------------------

    def read(self, session: str, after: int = 0) -> Iterator[Entry]:
        """The facts with `seq` > `after`, in order; see `Store.read`.

        Raises:
            StoreError: also when a fact is damaged or of a kind that only a newer version knows.
        """
        while True:
            with self._reading() as db:
                rows = db.execute(
                    "SELECT f.seq, f.time, f.json, coalesce(s.parent, '') FROM facts f"
                    " LEFT JOIN sessions s ON s.id = f.session"
                    " WHERE f.session=? AND f.seq>? ORDER BY f.seq LIMIT ?",
                    (session, after, BATCH),
                ).fetchall()
            for after, at, raw, parent in rows:
                yield Entry(session, after, at, self._fact(session, after, raw), parent)
            if len(rows) < BATCH:
                return

    def _fact(self, session: str, seq: int, raw: str) -> AnyFact:
        try:
            return decode(raw)
        except msgspec.ValidationError as error:
            raise StoreError(
                f"fact {seq} of session {session} was written by a newer version of MiMo Code ({error}); "
                "update MiMo Code to open it"
            ) from error
        except (msgspec.DecodeError, TypeError, UnicodeError) as error:
            raise StoreError(
                f"fact {seq} of session {session} in {self.path} is damaged ({error}); "
                "restore a backup or delete the session"
            ) from error

    def sessions(self, directory: str = "") -> list[SessionInfo]:
        """All sessions (of one directory), roots and children, latest change first."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT id, directory, title, created, updated, parent, facts FROM sessions"
                " WHERE ?1='' OR directory=?1 ORDER BY updated DESC, rowid DESC",
                (directory,),
            ).fetchall()
        return [SessionInfo(*row) for row in rows]

    def search(
        self, query: str, *, directory: str = "", session: str = "", kinds: Sequence[str] = (), limit: int = 10
    ) -> list[history.Found]:
        """Find words in what was said and done, best first. More than `Store` promises: ask with `hasattr`."""
        with self._reading() as db:
            return history.search(db, query, directory=directory, session=session, kinds=kinds, limit=limit)

    def verify(self, session: str) -> int:
        """Check the hash chain and return the number of facts; see `Store.verify`."""
        with self._reading() as db:
            db.execute("BEGIN")  # one snapshot, so that a writer in another process cannot look like an editor
            try:
                return chain.verify(db, session)
            finally:
                db.execute("ROLLBACK")

    # -- leases -----------------------------------------------------------------

    @contextmanager
    def lease(self, session: str) -> Iterator[None]:
        """Be the one writer of a session until the context ends; see `Store.lease`.

        Raises:
            SessionBusy: another live process (or another part of this one) is.
        """
        mine = self._me.holder(secrets.token_hex(16))
        with self._writing() as db:
            holder = lease.find(db, session)
            if holder and self._me.sees_alive(holder):
                raise lease.busy(session, holder, self._me)
            lease.take(db, session, mine)
        with self._lock:
            self._held[session], self._beaten[session] = mine.owner, mine.beat
            self._start_beating()
        try:
            yield
        finally:
            self._release(session)

    def _release(self, session: str) -> None:
        with self._lock:
            owner = self._held.pop(session, "")
            self._beaten.pop(session, None)
            if not self._held and self._stop:
                self._stop.set()
                self._stop = None
        # A lease that cannot be given back (full disk, closed store) ends with this process.
        with suppress(StoreError), self._writing() as db:
            db.execute("DELETE FROM leases WHERE session=? AND owner=?", (session, owner))

    def _check_lease(self, db: sqlite3.Connection, session: str, now: float) -> None:
        """In the transaction of a write: the session is ours, or nobody's and never was ours."""
        row = db.execute("SELECT owner FROM leases WHERE session=?", (session,)).fetchone()
        mine = self._held.get(session)
        if row is None:
            if mine:
                raise SessionBusy(f"session {session} was deleted or taken over while it was open; start a new one")
            return
        if row[0] != mine:
            holder = lease.find(db, session)
            if holder and (mine or self._me.sees_alive(holder)):
                raise lease.busy(session, holder, self._me)
        elif abs(now - self._beaten[session]) > self._beat / 2:
            self._beaten[session] = now
            db.execute("UPDATE leases SET beat=? WHERE session=?", (now, session))

    def _start_beating(self) -> None:
        if self._stop is None:
            self._stop = Event()
            Thread(target=self._keep_beating, args=(self._stop,), name="session leases", daemon=True).start()

    def _keep_beating(self, stop: Event) -> None:
        """Show others that this process lives. One wake-up in ten seconds, and only while a lease is held."""
        while not stop.wait(self._beat):
            now = time.time()
            # A failure shows at the next append, to someone who can tell the user.
            with suppress(StoreError), self._writing() as db:
                for session, owner in self._held.items():
                    db.execute("UPDATE leases SET beat=? WHERE session=? AND owner=?", (now, session, owner))
                    self._beaten[session] = now

    # -- the file ---------------------------------------------------------------

    def close(self) -> None:
        """Move what others do not need any more out of the write-ahead log, and let go of the file."""
        with self._lock, suppress(sqlite3.Error):
            if self._stop:
                self._stop.set()
                self._stop = None
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        with self._lock:
            self._db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is written, or nothing."""
        with self._reading() as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time, with failures explained."""
        with self._lock:
            try:
                yield self._db
            except (sqlite3.Error, OverflowError) as error:
                raise explain(error, self.path, self._patience) from error


def _mended(value: Any) -> Any:
    """A JSON value without lone surrogates, as file names that are not UTF-8 bring them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {_mended(key): _mended(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mended(part) for part in value]
    return value
