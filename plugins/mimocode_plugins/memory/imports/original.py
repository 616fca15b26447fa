"""Sessions of the original MiMo Code, from its `mimocode.db` (runtime.md 1.1), as sessions of ours.

The database is opened so that nothing of it changes, not even the files beside it, and read a message at a time. What
was imported before is left as it is: the id of a session follows from the id it had. The talk with each subagent,
which the original keeps in the session of its parent, becomes a session below that one.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError
from mimocode.events import (
    AnyFact,
    CallFinished,
    CallStarted,
    MessageAdded,
    SessionStarted,
    Titled,
    TurnEnded,
    TurnStarted,
)
from mimocode.messages import Block, Message, Text, ToolCall

from ..layout import layout, ready
from ..project import directories
from .transcripts import SHOWN_FAULTS, moment, whole, write

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.ports import Store

NAME = "mimocode.db"
MAIN = "main"
"""The agent whose talk a session is; other names are its subagents'."""
_NAME = re.compile(r"[^A-Za-z0-9]+")
_SESSIONS = "SELECT id, parent_id, directory, title FROM session ORDER BY time_created, id"
_PARTS = "SELECT data FROM part WHERE message_id = ? ORDER BY id"


async def run(args: argparse.Namespace, host: Host) -> int:
    """`mimo session import-mimocode [PATH]`; 1 when something had to be skipped.

    Raises:
        UsageError: there is no such database, it is damaged, or it is another program's.
    """
    path = find(args.path, host)
    store = await host.store()
    await ready(host)
    faults: list[str] = []
    with closing(_open(path)) as db:
        for talk in _talks(db, path, host, faults, everywhere=args.all):
            before = whole(store, talk.id) if not args.dry_run else _there(store, talk.id)
            if before:
                sys.stderr.write(f"{talk.title or talk.id}: imported before, as {talk.id}\n")
            elif args.dry_run:
                if count := talk.count():
                    sys.stdout.write(f"Would import: {talk.id} ({count} messages) {talk.title}\n")
            elif count := await asyncio.to_thread(_take, store, talk):
                sys.stdout.write(f"Imported session: {talk.id} ({count} facts)\n")
            faults += talk.faults
    for fault in faults[:SHOWN_FAULTS]:
        sys.stderr.write(f"mimo: {fault}\n")
    if faults:
        sys.stderr.write(f"mimo: {len(faults)} things were skipped\n")
    return 1 if faults else 0


def find(said: str | None, host: Host) -> Path:
    """The database that is meant.

    Raises:
        UsageError: there is none.
    """
    home = Path(host.environ.get("HOME") or Path.home())
    places = [host.paths.data / NAME, home / ".local/share/mimocode" / NAME]
    if said is not None:
        path = host.directory / Path(said).expanduser()
        places = [path / NAME, path / "data" / NAME] if path.is_dir() else [path]
    for path in places:
        if path.is_file() and not _is_ours(path):
            return path
    raise UsageError(
        f"there is no database of the original MiMo Code at {' or '.join(map(str, dict.fromkeys(places)))}"
    )


def _is_ours(path: Path) -> bool:
    with closing(_connect(path)) as db:
        try:
            tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        except sqlite3.Error:
            return False  # opening it for good says what is wrong
    return "facts" in tables and "message" not in tables


def _connect(path: Path) -> sqlite3.Connection:
    """Nothing is written, also not the files of a write-ahead log; with one that holds something it must be read."""
    wal = Path(f"{path}-wal")
    how = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=2, check_same_thread=False)


def _open(path: Path) -> sqlite3.Connection:
    db = _connect(path)
    try:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if missing := {"session", "message", "part"} - tables:
            raise UsageError(f"{path} is no database of the original MiMo Code: it has no table {sorted(missing)[0]}")
    except sqlite3.Error as error:
        db.close()
        raise UsageError(f"{path} cannot be read: {error}; restore a copy of it, or try its neighbours") from None
    except UsageError:
        db.close()
        raise
    return db


def _talks(db: sqlite3.Connection, path: Path, host: Host, faults: list[str], *, everywhere: bool) -> Iterator[Talk]:
    """Every session that is wanted, those of subagents after their own."""
    place = layout(host)
    try:
        rows = db.execute(_SESSIONS).fetchall()
        mine = {row[2] for row in rows if isinstance(row[2], str)}
        if not everywhere:
            known = set(directories(mine, place.base, place.project))
            mine = {each for each in mine if each in known or Path(os.path.realpath(each)).is_relative_to(host.root)}
        sliced = any(row[1] == "agent_id" for row in db.execute("PRAGMA table_info(message)"))
        for id, parent, directory, title in rows:
            if directory not in mine:
                continue
            agents = [MAIN]
            if sliced:
                said = db.execute("SELECT DISTINCT agent_id FROM message WHERE session_id = ?", (id,))
                agents += sorted(str(agent) for (agent,) in said if agent not in (None, MAIN))
            for agent in agents:
                yield Talk(db, path, str(id), agent if sliced else "", directory, str(title or ""), str(parent or ""))
    except sqlite3.Error as error:
        faults.append(f"{path} is damaged: {error}")


def _there(store: Store, id: str) -> bool:
    return any(info.id == id for info in store.sessions())


def _take(store: Store, talk: Talk) -> int:
    try:
        return write(store, talk.id, talk)
    except sqlite3.Error as error:
        talk.faults.append(f"{talk.path} is damaged in session {talk.session}: {error}; it was left out")
        store.delete(talk.id)
        return 0


@dataclass
class Talk:
    """What one agent said in one session."""

    db: sqlite3.Connection
    path: Path
    session: str
    agent: str
    """"" when the database does not tell agents apart."""
    directory: str
    title: str
    parent: str
    faults: list[str] = field(default_factory=list)
    turn: bool = False
    calls: set[str] = field(default_factory=set)
    at: float = 0.0
    """When what is read happened."""

    @property
    def id(self) -> str:
        """The id that it has here."""
        own = f"ses_mimocode_{_NAME.sub('', self.session.removeprefix('ses_'))[:40]}"
        return own if self.agent in ("", MAIN) else f"{own}_{_NAME.sub('', self.agent)[:20]}"

    def count(self) -> int:
        """How many messages it has."""
        return sum(1 for _ in self._messages())

    def facts(self) -> Iterator[tuple[float, AnyFact]]:
        """The session, fact by fact, with its time; none when nothing was said."""
        begun = False
        for id, raw, created in self._messages():
            said = self._json(raw, f"message {id}")
            parts = [self._json(data, f"a part of message {id}") for (data,) in self.db.execute(_PARTS, (id,))]
            self.at = moment(created) or self.at
            if not begun:
                begun = True
                yield self.at, SessionStarted(self.directory, "build", parent=self._above())
            made = self._user(parts) if said.get("role") == "user" else self._assistant(said, parts)
            yield from ((self.at, fact) for fact in made)
        if begun:
            yield from ((self.at, fact) for fact in self._end())
            if title := self.title if self.agent in ("", MAIN) else f"{self.agent}: {self.title}":
                yield self.at, Titled(title[:100])

    def _above(self) -> str:
        if self.agent not in ("", MAIN):
            return Talk(self.db, self.path, self.session, MAIN, "", "", "").id
        return Talk(self.db, self.path, self.parent, MAIN, "", "", "").id if self.parent else ""

    def _messages(self) -> Iterator[tuple[str, str, Any]]:
        sql, asked = "SELECT id, data, time_created FROM message WHERE session_id = ?", [self.session]
        if self.agent:
            sql, asked = f"{sql} AND coalesce(agent_id, '{MAIN}') = ?", [*asked, self.agent]
        return iter(self.db.execute(f"{sql} ORDER BY time_created, id", asked))

    def _json(self, raw: Any, what: str) -> Mapping[str, Any]:
        try:
            found = json.loads(raw)
        except (ValueError, TypeError, RecursionError):
            found = None
        if not isinstance(found, dict):
            self.faults.append(f"{self.path}: {what} of session {self.session} makes no sense")
            return {}
        return found

    def _user(self, parts: list[Mapping[str, Any]]) -> Iterator[AnyFact]:
        typed = [part for part in parts if part.get("type") == "text" and not part.get("ignored")]
        own = [str(part.get("text", "")) for part in typed if not part.get("synthetic")]
        own += [f"[file {part.get('filename') or part.get('mime')}]" for part in parts if part.get("type") == "file"]
        said = "\n".join(own) or "\n".join(str(part.get("text", "")) for part in typed)
        if said.strip():
            yield from self._end()
            self.turn = True
            yield TurnStarted()
            yield MessageAdded(Message("user", (Text(said),), origin="" if own else "mimocode"))

    def _assistant(self, said: Mapping[str, Any], parts: list[Mapping[str, Any]]) -> Iterator[AnyFact]:
        if not self.turn:
            self.turn = True
            yield TurnStarted()
        model = f"{said.get('providerID')}/{said.get('modelID')}" if said.get("modelID") else ""
        blocks: list[Block] = []
        ended: list[tuple[float, float, CallFinished]] = []
        for part in [*parts, {"type": "step-finish"}]:
            kind = part.get("type")
            if blocks and (kind in ("step-start", "step-finish") or (ended and kind == "text")):
                yield MessageAdded(Message("assistant", tuple(blocks)), model=model)
                for began, over, end in ended:
                    self.at = began or self.at
                    yield CallStarted(end.call_id)
                    self.at = over or self.at
                    yield end
                blocks, ended = [], []
            if kind == "text" and str(part.get("text", "")).strip():
                blocks.append(Text(str(part["text"])))
            elif kind == "tool" and (made := self._call(part)):
                blocks.append(made[0])
                ended.append((*_span(part["state"].get("time")), made[1]))

    def _call(self, part: Mapping[str, Any]) -> tuple[ToolCall, CallFinished] | None:
        id, state = str(part.get("callID", "")), part.get("state")
        if not id or id in self.calls or not isinstance(state, dict):
            self.faults.append(f"{self.path}: a tool call of session {self.session} makes no sense")
            return None
        self.calls.add(id)
        given, done = state.get("input"), state.get("status") == "completed"
        text = state.get("output") if done else state.get("error") or "It was interrupted."
        call = ToolCall(id, str(part.get("tool") or "unknown"), given if isinstance(given, dict) else {})
        return call, CallFinished(id, (Text(str(text or "")),), error=not done)

    def _end(self) -> Iterator[AnyFact]:
        if self.turn:
            yield TurnEnded("done")
        self.turn = False


def _span(said: Any) -> tuple[float, float]:
    """When a call began and was over."""
    return (moment(said.get("start")), moment(said.get("end"))) if isinstance(said, dict) else (0.0, 0.0)
