"""What can be found again in the log: the words of users, models, tool calls and tool errors.

The index is written in the transaction that writes the fact, so it is never behind. Text in scripts without spaces
is indexed character by character and searched as a phrase, which finds any part of a sentence.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mimocode.events import CallFinished, Fact, MessageAdded
from mimocode.messages import Text, ToolCall

LONGEST = 32_000
"""Characters of one text that are indexed. The fact keeps all of it."""

_UNSPACED = "([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff])"
_MAYBE = re.compile(rb"[\xe3-\xff]")
"""UTF-8 of anything from U+3000 on: quick to look for, while compiling the above takes 9 ms that most never need."""
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Found:
    """A place in the log that holds what was asked for. A smaller `score` is better (FTS5's bm25)."""

    session: str
    seq: int
    time: float
    kind: str
    tool: str
    text: str
    score: float


def index(db: sqlite3.Connection, session: str, seq: int, fact: Fact) -> None:
    """Add what a fact says to the index."""
    for kind, tool, call, text in texts(fact):
        if text := text[:LONGEST]:
            row = db.execute(
                "INSERT INTO history(session, seq, kind, tool, call, text) VALUES(?, ?, ?, ?, ?, ?)",
                (session, seq, kind, tool, call, text),
            ).lastrowid
            db.execute("INSERT INTO words(rowid, text) VALUES(?, ?)", (row, fold(text)))


def forget(db: sqlite3.Connection, session: str) -> None:
    """Remove a session from the index."""
    for row, text in db.execute("SELECT id, text FROM history WHERE session=?", (session,)).fetchall():
        db.execute("INSERT INTO words(words, rowid, text) VALUES('delete', ?, ?)", (row, fold(text)))
    db.execute("DELETE FROM history WHERE session=?", (session,))


def texts(fact: Fact) -> Iterator[tuple[str, str, str, str]]:
    """The searchable texts of a fact as (kind, tool, call id, text); the kinds are those of runtime.md 2.6."""
    match fact:
        case MessageAdded(message=message) if message.role == "user" and not message.origin:
            yield "user_text", "", "", message.text
        case MessageAdded(message=message) if message.role == "assistant":
            said = "\n".join(block.text for block in message.content if isinstance(block, Text))
            yield "assistant_text", "", "", said
            for block in message.content:
                if isinstance(block, ToolCall):
                    yield "tool_input", block.name, block.id, block.malformed or "\n".join(_flat(block.arguments))
        case CallFinished(error=True, content=content, call_id=call):
            yield "tool_error", "", call, "\n".join(block.text for block in content if isinstance(block, Text))


def _flat(value: Any) -> Iterator[str]:
    """The strings in a JSON value: as JSON, a line break would become the letter n of the next word."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield str(key)
            yield from _flat(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _flat(part)
    elif value is not None:
        yield str(value)


def fold(text: str) -> str:
    """Text as the index sees it. Changing this needs a migration: what is deleted must be what was added."""
    return re.sub(_UNSPACED, r" \1 ", text) if _MAYBE.search(text.encode()) else text


def search(
    db: sqlite3.Connection, query: str, *, directory: str, session: str, kinds: Sequence[str], limit: int
) -> list[Found]:
    """Texts that hold every word of the query, best first; any of its words when none holds all."""
    clean = query.replace("\0", " ").encode(errors="replace").decode()
    words = ['"' + fold(word).replace('"', '""') + '"' for word in clean.split() if _WORD.search(word)]
    found: list[Found] = []
    for join in (" ", " OR ") if len(words) > 1 else (" ",):
        if words and not found:
            found = _match(db, join.join(words), directory, session, kinds, limit)
    return found


def _match(
    db: sqlite3.Connection, match: str, directory: str, session: str, kinds: Sequence[str], limit: int
) -> list[Found]:
    where, values = ["words MATCH ?"], [match]
    if session:
        where.append("h.session = ?")
        values.append(session)
    if directory:
        where.append("s.directory = ?")
        values.append(directory)
    if kinds:
        where.append(f"h.kind IN ({', '.join('?' * len(kinds))})")
        values.extend(kinds)
    rows = db.execute(
        "SELECT h.session, h.seq, f.time, h.kind, h.tool, h.text, bm25(words) AS score FROM words"
        " JOIN history h ON h.id = words.rowid JOIN facts f ON f.session = h.session AND f.seq = h.seq"
        f" JOIN sessions s ON s.id = h.session WHERE {' AND '.join(where)} ORDER BY score, h.id DESC LIMIT ?",
        (*values, limit),
    )
    return [Found(*row) for row in rows]
