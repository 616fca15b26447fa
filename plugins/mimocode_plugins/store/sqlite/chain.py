"""The hash chain: every fact carries the hash of itself and of all before it.

It shows that a log was edited, cut or reordered afterwards. It is not a signature: who rewrites the whole chain
cannot be caught without a hash kept somewhere else.
"""

from __future__ import annotations

import sqlite3
from hashlib import sha256

import msgspec

from mimocode.errors import StoreError

START = b""
"""What the first fact is chained to."""

_encode = msgspec.json.Encoder().encode


def link(before: bytes, session: str, seq: int, time: float, kind: str, raw: bytes) -> bytes:
    """The hash of a fact: of the hash before it and of all columns, in a form that can be read in one way only."""
    return sha256(before + _encode((session, seq, time, kind)) + raw).digest()


def verify(db: sqlite3.Connection, session: str) -> int:
    """Check a whole session and return the number of its facts.

    Raises:
        StoreError: names the first fact that does not fit.
    """
    record = db.execute("SELECT facts, hash FROM sessions WHERE id=?", (session,)).fetchone()
    count, last = 0, START
    rows = db.execute("SELECT seq, time, type, hash, json FROM facts WHERE session=? ORDER BY seq", (session,))
    for seq, time, kind, written, text in rows:
        count += 1
        if seq != count:
            raise _broken(session, count, "is missing")
        try:
            last = link(last, session, seq, time, kind, text.encode())
        except (AttributeError, TypeError, UnicodeError):
            last = START
        if last != written:
            raise _broken(session, count, "was changed after it was written, or the one before it was exchanged")
    if record is None:
        if count:
            raise _broken(session, count, "is there, but the session's record is missing")
        return 0
    if count < record[0]:
        raise _broken(session, count + 1, "and what follows are missing")
    if count > record[0]:
        raise _broken(session, record[0] + 1, "was added past the recorded end")
    if last != record[1]:
        raise _broken(session, count, "does not match the hash that was recorded last")
    return count


def _broken(session: str, seq: int, what: str) -> StoreError:
    return StoreError(f"the log of session {session} was edited: fact {seq} {what}")
