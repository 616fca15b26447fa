"""Claude Code's transcripts as sessions of ours: a JSON line per message, one file per session, in
`~/.claude/projects/<folder with dashes>/<session id>.jsonl`.

A line is looked at by itself and forgotten, so a file may be of any size. What was imported before is left as it is:
the id of a session follows from the id it had.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mimocode.errors import UsageError
from mimocode.events import (
    AnyFact,
    CallFinished,
    CallStarted,
    MessageAdded,
    Noted,
    SessionStarted,
    Titled,
    TurnEnded,
    TurnStarted,
)
from mimocode.messages import Block, Message, Text, ToolCall

if TYPE_CHECKING:
    import argparse

    from mimocode.host import Host
    from mimocode.ports import Store

LONGEST_LINE = 20_000_000
"""Characters. A longer line is a picture or an accident."""
SHOWN_FAULTS = 20
AGENT = "build"
NOTED = "imports"
"""Under this name the end of an import is noted in the log."""
_NAME = re.compile(r"[^A-Za-z0-9]+")


async def run(args: argparse.Namespace, host: Host) -> int:
    """`mimo session import-claude [PATH ...]`; 1 when lines had to be skipped.

    Raises:
        UsageError: there is no such file.
    """
    store = await host.store()
    files = list(_files(args.paths, _home(host), None if args.all else host.root))
    if not files:
        sys.stderr.write("There are no transcripts of this project.\n")
    faults = 0
    for path in files:
        id = session_id(path)
        if whole(store, id):
            sys.stderr.write(f"{path.name}: imported before, as {id}\n")
            continue
        reader = Reader(path, str(host.root))
        count = await asyncio.to_thread(write, store, id, reader)
        for fault in reader.faults[:SHOWN_FAULTS]:
            sys.stderr.write(f"mimo: {fault}\n")
        faults += len(reader.faults)
        if count:
            sys.stdout.write(f"Imported session: {id} ({count} facts)\n")
    if faults:
        sys.stderr.write(f"mimo: {faults} lines were skipped\n")
    return 1 if faults else 0


class Source(Protocol):
    """What a session is made from."""

    path: Path

    def facts(self) -> Iterator[tuple[float, AnyFact]]:
        """The session, fact by fact, each with when it happened in Unix seconds; 0 when nobody knows."""


def session_id(path: Path) -> str:
    """The id that the session of a transcript has here."""
    return f"ses_claude_{_NAME.sub('', path.stem)[:40]}"


def whole(store: Store, id: str) -> bool:
    """Whether a transcript was taken in to its end. What was cut short is forgotten, to begin again."""
    facts = [entry.event for entry in store.read(id)]
    whole = any(isinstance(fact, Noted) and fact.plugin == NOTED for fact in facts)
    if facts and not whole:
        store.delete(id)
    return whole


def write(store: Store, id: str, reader: Source) -> int:
    """Make a session of what a source holds, at the times when it happened; returns how many facts it has."""
    append = getattr(store, "append_at", lambda session, fact, _: store.append(session, fact))
    facts = reader.facts()
    first = next(facts, None)
    if first is None:
        return 0
    at, count = 0.0, 0
    with store.lease(id):
        for count, (then, fact) in enumerate(chain([first], facts), 1):  # noqa: B007 - what is counted
            at = min(max(at, then), time.time()) or time.time()  # a log never goes back, nor ahead
            append(id, fact, at)
        append(id, Noted(NOTED, {"from": str(reader.path)}), at)
    return count


def moment(said: Any) -> float:
    """Unix seconds of a time as programs write it: ISO 8601, seconds or milliseconds; 0 for anything else."""
    try:
        number = datetime.fromisoformat(said).timestamp() if isinstance(said, str) else float(said)
    except (TypeError, ValueError, OverflowError, OSError):
        return 0.0
    number = number / 1000 if number > 1e11 else number
    return number if 1e8 < number < 1e11 else 0.0


def _home(host: Host) -> Path:
    return Path(host.environ.get("HOME") or Path.home()) / ".claude/projects"


def _files(paths: list[str], home: Path, root: Path | None) -> Iterator[Path]:
    if not paths:
        folders = [home / slug(root)] if root is not None else sorted(home.glob("*"))
        for folder in folders:
            yield from sorted(folder.glob("*.jsonl"))
    for name in paths:
        path = Path(name).expanduser()
        if path.is_dir():
            yield from sorted(path.rglob("*.jsonl"))
        elif path.is_file():
            yield path
        else:
            raise UsageError(f"there is no transcript {name}")


def slug(root: Path) -> str:
    """The name that Claude Code gives to a folder."""
    return "".join(c if c.isalnum() else "-" for c in str(root))


@dataclass
class Reader:
    """Turns the lines of one transcript into facts. `faults` are a sentence for each line that made no sense."""

    path: Path
    directory: str
    faults: list[str] = field(default_factory=list)
    started: bool = False
    turn: bool = False
    open: list[str] = field(default_factory=list)
    """Calls without an answer."""
    saying: list[Block] = field(default_factory=list)
    """What the model said so far; one answer is spread over several lines."""
    answer: str = ""
    title: str = ""
    at: float = 0.0
    """When what is read happened."""
    said_at: float = 0.0
    """When the model said the last of what it said so far."""

    def facts(self) -> Iterator[tuple[float, AnyFact]]:
        """The session, fact by fact, with its time."""
        for line in self._lines():
            self.at = moment(line.get("timestamp")) or self.at
            try:
                made = [(self.at, fact) for fact in self._line(line)]
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                self.faults.append(f"{self.path}: a line of type {line.get('type')!r} makes no sense ({error!r})")
                continue
            yield from made
        if self.started:
            yield from ((self.at, fact) for fact in self._end())
            if self.title:
                yield self.at, Titled(self.title)

    def _lines(self) -> Iterator[Mapping[str, Any]]:
        with self.path.open(encoding="utf-8", errors="replace") as file:
            number = 0
            while text := file.readline(LONGEST_LINE):
                number += 1
                if not text.endswith("\n") and len(text) >= LONGEST_LINE:
                    while (rest := file.readline(LONGEST_LINE)) and not rest.endswith("\n"):
                        pass
                    self.faults.append(f"{self.path}:{number}: is too long")
                elif text.strip():
                    try:
                        line = json.loads(text)
                    except (ValueError, RecursionError):
                        line = None
                    if isinstance(line, dict):
                        yield line
                    else:
                        self.faults.append(f"{self.path}:{number}: is no JSON object")

    def _line(self, line: Mapping[str, Any]) -> Iterator[AnyFact]:
        kind = line.get("type")
        if kind == "summary":
            self.title = str(line["summary"])[:100]
        if kind not in ("user", "assistant") or line.get("isSidechain") or line.get("isMeta"):
            return
        message = line["message"]
        if kind == "assistant":
            yield from self._begin(line)
            if str(message.get("id", "")) != self.answer:
                yield from self._flush()
            self.answer, self.said_at = str(message.get("id", "")), self.at
            self.saying += [block for raw in _blocks(message["content"]) if (block := _block(raw))]
            return
        blocks = _blocks(message["content"])
        said = "".join(str(raw.get("text", "")) for raw in blocks if raw.get("type") == "text")
        yield from self._begin(line)
        yield from self._flush()
        for raw in blocks:
            if raw.get("type") == "tool_result":
                yield from self._result(raw)
        if said.strip():
            yield from self._end()
            self.turn = True
            self.title = self.title or " ".join(said.split())[:80]
            yield TurnStarted()
            yield MessageAdded(Message("user", (Text(said),), origin="claude" if said.startswith("<") else ""))

    def _begin(self, line: Mapping[str, Any]) -> Iterator[AnyFact]:
        if not self.started:
            self.started = True
            yield SessionStarted(str(line.get("cwd") or self.directory), AGENT)
        if not self.turn and line.get("type") == "assistant":
            self.turn = True
            yield TurnStarted()

    def _flush(self) -> Iterator[AnyFact]:
        if self.saying:
            self.open += [block.id for block in self.saying if isinstance(block, ToolCall)]
            now, self.at = self.at, self.said_at
            yield MessageAdded(Message("assistant", tuple(self.saying)))
            self.at = now
        self.saying, self.answer = [], ""

    def _result(self, raw: Mapping[str, Any]) -> Iterator[AnyFact]:
        id = str(raw["tool_use_id"])
        if id in self.open:
            self.open.remove(id)
            text = "\n".join(str(part.get("text", "")) for part in _blocks(raw.get("content") or ""))
            yield CallStarted(id)
            yield CallFinished(id, (Text(text),), error=bool(raw.get("is_error")))

    def _end(self) -> Iterator[AnyFact]:
        yield from self._flush()
        for id in self.open:
            yield CallFinished(id, (Text("The transcript holds no answer to this call."),), error=True)
        self.open = []
        if self.turn:
            yield TurnEnded("done")
        self.turn = False


def _blocks(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [raw for raw in content if isinstance(raw, dict)]


def _block(raw: Mapping[str, Any]) -> Block | None:
    if raw.get("type") == "text":
        return Text(str(raw["text"]))
    if raw.get("type") == "tool_use":
        arguments = raw.get("input")
        return ToolCall(str(raw["id"]), str(raw["name"]), arguments if isinstance(arguments, dict) else {})
    return None
