"""Finds entries: BM25 of the entry, of its neighbourhood and of its document added up, with recency and scope as
priors (DESIGN.md 7, demands.md 3.3).

What a query costs is bounded at any size of the index. Terms are asked for rarest first, each for its newest `NEWEST`
entries; entries are gathered in small blocks, so that neighbours count; only the best blocks are scored exactly.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .database import Index, mark
from .stem import stem
from .text import words

NEWEST = 500
"""Entries a term is asked for. A term in more of them says little, and of those the newest are likelier wanted."""
BLOCKS = 12
BLOCK = 4
"""Entries that lie together, by order of insertion."""
EXACT = 32
"""Entries whose documents are looked at."""
TERMS = 8
K1, B = 1.2, 0.6
NEAR, ABOVE = 0.5, 0.35
"""Weights of the neighbourhood and of the document beside the entry's own score."""
REACH = 2
"""Neighbours on either side."""
MONTH = 30 * 86400.0
STANDING = {"confirmed": 1.15, "verified": 1.1, "proposed": 0.9, "superseded": 0.4}


@dataclass(frozen=True)
class Hit:
    """An entry that was found; a larger score is better."""

    id: int
    path: str
    scope: str
    owner: str
    type: str
    key: str
    text: str
    time: float
    status: str
    score: float


@dataclass(frozen=True)
class Where:
    """A part of the index: a scope ("" is all), and whose ("" is everyone's). `weight` is what being there counts."""

    scope: str = ""
    owner: str = ""
    weight: float = 1.0

    @property
    def term(self) -> str:
        """What every entry there holds; "" when that is all of them."""
        if not self.scope:
            return ""
        return mark("o", self.scope, self.owner) if self.owner else mark("s", self.scope)


EVERYWHERE = (Where(),)
Row = tuple[int, int, int, str, int, str, str, float, str]


def search(
    index: Index,
    query: str,
    where: Sequence[Where] = EVERYWHERE,
    *,
    types: Sequence[str] = (),
    limit: int = 10,
    floor: float = 0.15,
    now: float | None = None,
) -> list[Hit]:
    """The best entries first; those below `floor` times the best score are left out, the best never is."""
    with index.reading() as db:
        said = list(dict.fromkeys(words(query)))
        asked = _Query(db, where)
        terms = asked.measured(dict.fromkeys(stem(word) for word in said))
        terms = terms or asked.measured(_guesses(db, said))
        if not terms:
            return []
        rows = asked.candidates(terms)
        scores = _scores(db, rows, terms, asked)
    hits = _hits(index, rows, scores, where, types, time.time() if now is None else now)
    least = hits[0].score * floor if hits else 0.0
    return [hit for hit in hits if hit.score >= least][:limit]


class _Query:
    """One search in one part of the index."""

    def __init__(self, db: sqlite3.Connection, where: Sequence[Where]) -> None:
        self.db = db
        self.entries, self.length, self.documents = db.execute(_TOTALS).fetchone()
        self.within = self._within(where)
        self.rows: dict[str, list[int]] = {}

    def _within(self, where: Sequence[Where]) -> str:
        """What restricts a search to a part of the index; "" when most of the index is in it anyway."""
        terms = list(dict.fromkeys(place.term for place in where))
        if "" in terms:
            return ""
        held = sum(len(self._newest(term, self.entries // 4 + 1)) for term in terms) if self.entries < NEWEST * 8 else 0
        return "" if held > self.entries // 4 else f" AND ({' OR '.join(terms)})"

    def _newest(self, match: str, limit: int = NEWEST) -> list[int]:
        ids = self.db.execute(_NEWEST, (match, limit)).fetchone()[0]
        return list(map(int, ids.split(","))) if ids else []

    def measured(self, terms: Iterable[str]) -> dict[str, float]:
        """The weight (inverse document frequency) of each term that occurs, the rarest first, at most `TERMS`."""
        found: list[tuple[int, str]] = []
        for term in list(terms)[: 3 * TERMS]:
            if rows := self._newest(f"{_quoted(term)}{self.within}"):
                self.rows[term] = rows
                found.append((len(rows) if len(rows) < NEWEST else max(NEWEST, self.entries // 8), term))
        return {term: math.log(1 + self.entries / (n + 0.5)) for n, term in sorted(found)[:TERMS]}

    def candidates(self, terms: dict[str, float]) -> list[Row]:
        """The entries of the blocks that hold the most, by weight, of what is asked for."""
        blocks: dict[int, float] = {}
        exact: dict[int, float] = {}
        for term in self._telling(terms):
            weight = terms[term]
            for row in self.rows[term]:
                exact[row] = exact.get(row, 0.0) + weight
            for block in {row // BLOCK for row in self.rows[term]}:
                blocks[block] = blocks.get(block, 0.0) + weight
        best = heapq.nlargest(4 * BLOCKS, blocks, key=blocks.__getitem__)
        best.sort(key=lambda b: -blocks[b] - 0.5 * max(blocks.get(b - 1, 0.0), blocks.get(b + 1, 0.0)))
        ids = set(heapq.nlargest(EXACT, exact, key=exact.__getitem__))
        ids.update(block * BLOCK + at for block in best[:BLOCKS] for at in range(BLOCK))
        marks = ",".join("?" * len(ids))
        return self.db.execute(f"{_ENTRY} WHERE id IN ({marks})", tuple(ids)).fetchall()

    def _telling(self, terms: dict[str, float]) -> list[str]:
        """The terms that candidates are gathered by: those that are not everywhere, if there are any."""
        rare = [term for term in terms if len(self.rows[term]) < NEWEST]
        if rare or len(terms) == 1:
            return rare or list(terms)
        together = self._newest(" AND ".join(map(_quoted, terms)) + self.within)
        if not together:
            return list(terms)
        first = next(iter(terms))
        self.rows[first] = list(dict.fromkeys([*together, *self.rows[first][: NEWEST // 2]]))
        return [first]


_ENTRY = "SELECT id, document, place, stems, length, key, text, time, status FROM entries"
_TOTALS = "SELECT entries, length, documents FROM totals"
_NEWEST = "SELECT group_concat(rowid) FROM (SELECT rowid FROM found WHERE found MATCH ? ORDER BY rowid DESC LIMIT ?)"


def _quoted(term: str) -> str:
    return f'"{term}"{"*" if _half(term) else ""}'


def _needle(term: str) -> str:
    return f" {term}" if _half(term) else f" {term} "


def _half(term: str) -> bool:
    """One CJK character: it begins a pair, or ends a run."""
    return len(term) == 1 and term > "\u2fff"


def _guesses(db: sqlite3.Connection, said: list[str]) -> dict[str, None]:
    """When no word is known: known words that hold one of them as a piece."""
    found: dict[str, None] = {}
    done: list[str] = []
    for word in said:
        if len(word) < 3 or any(word in other for other in done):
            continue
        rows = db.execute(
            "SELECT word FROM vocabulary WHERE id IN (SELECT rowid FROM pieces WHERE pieces MATCH ? LIMIT 200)",
            (f'"{word}"' if len(word) == 3 else " ".join(f'"{word[at : at + 3]}"' for at in range(len(word) - 2)),),
        )
        held = sorted((known for (known,) in rows if word in known), key=len)
        found |= dict.fromkeys(stem(known) for known in held[:TERMS])
        done += [word] if held else []
    return found


def _scores(db: sqlite3.Connection, rows: list[Row], terms: dict[str, float], asked: _Query) -> dict[int, float]:
    average = max(asked.length / max(asked.entries, 1), 1.0)
    own = {row[0]: _bm25(row[3], row[4], terms, average) for row in rows}
    by_place = {(row[1], row[2]): row for row in rows}
    scores: dict[int, float] = {}
    for row in sorted(rows, key=lambda row: -own[row[0]])[:EXACT]:
        around = [by_place[key] for at in range(-REACH, REACH + 1) if (key := (row[1], row[2] + at)) in by_place]
        text, length = "".join(r[3] for r in around), sum(r[4] for r in around)
        scores[row[0]] = own[row[0]] + NEAR * _bm25(text, length, terms, average * (2 * REACH + 1))
    document = {row[0]: row[1] for row in rows}
    above = _documents(db, {document[id] for id in scores}, terms, asked)
    return {id: score + ABOVE * above.get(document[id], 0.0) for id, score in scores.items() if score > 0}


def _bm25(stems: str, length: int, terms: dict[str, float], average: float) -> float:
    norm = K1 * (1 - B + B * length / average)
    score = 0.0
    for term, weight in terms.items():
        if term in stems and (n := stems.count(_needle(term))):
            score += weight * n * (K1 + 1) / (n + norm)
    return score


def _documents(db: sqlite3.Connection, ids: set[int], terms: dict[str, float], asked: _Query) -> dict[int, float]:
    """BM25 of whole documents, with the number of their entries that hold a term for its frequency.

    Entries of a document have neighbouring numbers, so that they are counted by bisecting; where documents grew in
    turns the count is scaled down.
    """
    per = max(asked.entries / max(asked.documents, 1), 1.0)
    marks = ",".join("?" * len(ids))
    found = db.execute(f"SELECT id, entries, first, last FROM documents WHERE id IN ({marks})", tuple(ids)).fetchall()
    held = {term: sorted(asked.rows[term]) for term in terms}
    scores: dict[int, float] = {}
    for id, entries, first, last in found:
        norm, share, score = K1 * (1 - B + B * entries / per), min(entries / (last - first + 1), 1.0), 0.0
        for term, weight in terms.items():
            n = (bisect_right(held[term], last) - bisect_left(held[term], first)) * share
            score += weight * n * (K1 + 1) / (n + norm)
        scores[id] = score
    return scores


def _hits(
    index: Index, rows: list[Row], scores: dict[int, float], where: Sequence[Where], types: Sequence[str], now: float
) -> list[Hit]:
    with index.reading() as db:
        ids = {row[1] for row in rows if row[0] in scores}
        marks = ",".join("?" * len(ids))
        found = db.execute(f"SELECT id, path, scope, owner, type FROM documents WHERE id IN ({marks})", tuple(ids))
        documents = {id: rest for id, *rest in found}
    hits: list[Hit] = []
    for id, document, _, _, _, key, text, at, status in rows:
        if id not in scores or document not in documents:
            continue
        path, scope, owner, type = documents[document]
        weight = _weight(scope, owner, where)
        if weight and (not types or type in types):
            age = max(now - at, 0.0) / MONTH if at else 1.0
            prior = weight * STANDING.get(status, 1.0) * (1 + 0.1 * math.exp(-age))
            hits.append(Hit(id, path, scope, owner, type, key, text, at, status, scores[id] * prior))
    return sorted(hits, key=lambda hit: (-hit.score, -hit.time, -hit.id))


def _weight(scope: str, owner: str, where: Sequence[Where]) -> float:
    fits = (w.weight for w in where if w.scope in ("", scope) and w.owner in ("", owner))
    return max(fits, default=0.0)
