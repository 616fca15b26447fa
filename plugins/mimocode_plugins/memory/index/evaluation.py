"""`mimo memory eval`: how well anyone's own questions find what they are about, by the ways that memory itself takes.

The corpus goes into a scratch index as a session's words do, the questions through the same search. What comes out is
a line per question with what was found and how long it took, so that recall can be counted against anyone's answers.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError

from .database import Document, Entry, Index
from .ranking import EVERYWHERE, search
from .text import days

if TYPE_CHECKING:
    import argparse

BATCH = 1000
"""Lines that are written in one transaction."""


def evaluate(args: argparse.Namespace) -> int:
    """Read `args.corpus` and `args.queries`, write `args.out`.

    Raises:
        UsageError: a file cannot be read or written, or one of its lines makes no sense.
    """
    if args.k < 1:
        raise UsageError("-k is a number of hits, 1 or more.")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="mimo-eval-") as folder,
            closing(Index(Path(folder) / "memory.db")) as index,
        ):
            newest = fill(index, lines(args.corpus), _told("remembered"))
            _write(args.out, ask(index, lines(args.queries), args.k, newest))
    except OSError as error:
        raise UsageError(f"{error.filename or args.out}: {error.strerror or error}") from error
    return 0


def lines(path: str) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, one at a time.

    Raises:
        UsageError: names the line that is none, or that lacks an id or a text.
    """
    with Path(path).open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                said = json.loads(line)
            except ValueError as error:
                raise UsageError(f"{path}:{number}: this is no JSON: {error}") from None
            if not (isinstance(said, dict) and "id" in said and isinstance(said.get("text"), str)):
                raise UsageError(f'{path}:{number}: a line is an object with "id" and "text".')
            yield said


def fill(index: Index, corpus: Iterator[dict[str, Any]], told: Callable[[int], None]) -> float:
    """Remember every line of a corpus under its parent; returns the time of the newest."""
    newest, count = 0.0, 0
    while batch := [line for _, line in zip(range(BATCH), corpus, strict=False)]:
        with index.writing():
            for line in batch:
                at, when = moment(line.get("time"))
                newest = max(newest, at)
                parent = line["id"] if line.get("parent") is None else line["parent"]
                said = Entry(json.dumps(line["id"]), line["text"], at, context=when)
                index.append(Document(str(parent), "sessions", str(parent), "history"), said)
        count += len(batch)
        told(count)
    index.settle()
    return newest


def ask(index: Index, queries: Iterator[dict[str, Any]], k: int, now: float) -> Iterator[dict[str, Any]]:
    """The answer to each question: ids, best first, and milliseconds."""
    for query in queries:
        began = time.perf_counter()
        hits = search(index, query["text"], EVERYWHERE, limit=k, floor=0.0, now=now)
        spent = (time.perf_counter() - began) * 1000
        yield {"id": query["id"], "hits": [json.loads(hit.key) for hit in hits], "ms": round(spent, 3)}


def moment(said: Any) -> tuple[float, str]:
    """Unix seconds; else the words of a time that is written in a way of its own, for the index."""
    if isinstance(said, int | float) and not isinstance(said, bool):
        at = float(said) / (1000 if said > 1e11 else 1)
        return (at, "") if abs(at) < 1e11 else (0.0, "")
    if not isinstance(said, str) or not said.strip():
        return 0.0, ""
    text = said.strip().replace("/", "-")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        day, year = days(text), re.search(r"\b(?:19|20)\d\d\b", text)
        if not (day and year):
            return 0.0, said
        try:
            found = datetime.strptime(f"{year[0]}{day[0][-4:]}", "%Y%m%d")
        except ValueError:
            return 0.0, said
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp(), ""


def _told(what: str) -> Callable[[int], None]:
    def tell(count: int) -> None:
        if count % BATCH == 0 or what == "remembered":
            sys.stderr.write(f"{what} {count:,}\n")

    return tell


def _write(path: str, answers: Iterator[dict[str, Any]]) -> None:
    tell = _told("asked")
    with Path(path).open("w", encoding="utf-8") as out:
        for count, answer in enumerate(answers, 1):
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
            tell(count)
