"""Finds entries: BM25 of the entry, of its neighbourhood and of its document added up, with recency and scope as
priors (DESIGN.md 7, demands.md 3.3). Only the best of those that `gather` finds are fetched and scored exactly."""

from __future__ import annotations

import math
import sqlite3
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .database import HEADING, Index
from .gather import EVERYWHERE, NEAR, REACH, TERMS, Query, Term, Where, weight
from .guessing import beside, instead
from .stem import stem
from .text import days, words

__all__ = ["EVERYWHERE", "STANDING", "Hit", "Where", "search", "weight"]

EXACT = 24
"""Entries that are fetched and scored exactly."""
K1, B = 1.2, 0.6
ABOVE = 0.5
"""Weight of the document beside the entry's own score."""
MONTH = 30 * 86400.0
LATEST = 1.06
"""What counts more of several entries that hold the same of the words: the last one may have replaced the others."""
MEANT = 0.7
"""What it is worth to hold a word that somebody may have meant, by one that is not known."""
STANDING = {"confirmed": 1.15, "verified": 1.1, "proposed": 0.9, "superseded": 0.4, HEADING: 0.8}


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


class Row(NamedTuple):
    """An entry as it is scored: `counts` is how often it holds each term."""

    id: int
    document: int
    place: int
    length: int
    time: float
    status: str
    counts: tuple[int, ...]


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
    said = list(dict.fromkeys(words(query)))
    with index.looking() as db:
        asked = Query(db, where, index.recent)
        if terms := asked.terms(dict.fromkeys([*map(stem, said), *days(query)])):
            known = {term.stem for term in terms}
            if len(terms) < TERMS and (unknown := [word for word in said if stem(word) not in known]):
                meant = asked.terms(each for each in beside(db, unknown) if each not in known)
                terms = [*terms, *(term.but(MEANT) for term in meant)][:TERMS]
            return _found(asked, terms, where, types, limit, floor, now)
    index.settle()
    with index.looking() as db:
        asked = Query(db, where, index.recent)
        terms = asked.terms(instead(db, said))
        return _found(asked, terms, where, types, limit, floor, now) if terms else []


def _found(
    asked: Query,
    terms: list[Term],
    where: Sequence[Where],
    types: Sequence[str],
    limit: int,
    floor: float,
    now: float | None,
) -> list[Hit]:
    rows = _rows(asked, asked.candidates(terms, max(EXACT, 2 * limit)), terms)
    scores = _scores(asked, rows, terms)
    best = _judged(rows, scores, asked, where, types, time.time() if now is None else now)
    least = best[0][0] * floor if best else 0.0
    return _hits(asked.db, [(score, row) for score, row in best if score >= least][:limit], asked.documents)


def _rows(asked: Query, ids: list[int], terms: list[Term]) -> dict[int, Row]:
    needles = [term.needle for term in terms]
    found = asked.db.execute(f"{_ROW} WHERE id IN ({','.join(map(str, ids))})")
    return {id: Row(id, *rest, tuple(map(stems.count, needles))) for stems, id, *rest in found}  # type: ignore[call-arg]


def _scores(asked: Query, rows: dict[int, Row], terms: list[Term]) -> dict[int, float]:
    """Scores of the entries by id."""
    average = max(asked.length / max(asked.entries, 1), 1.0)
    above = _documents(asked, {row.document for row in rows.values()}, terms)
    own, near = [term.own for term in terms], [term.near for term in terms]
    held, around = asked.held.get, _beside(asked, rows.values())
    spread: dict[int, tuple[int, ...]] = {}
    scores: dict[int, float] = {}
    for row in rows.values():
        beside = list(filter(None, [held(id, 0) for id in around[row.id]]))
        for mask in beside:
            if mask not in spread:
                spread[mask] = tuple(mask >> at & 1 for at in range(len(terms)))
        counts = tuple(map(sum, zip(row.counts, *map(spread.__getitem__, beside), strict=True)))
        if any(counts):
            score = bm25(row.counts, row.length, own, average) + ABOVE * above.get(row.document, 0.0)
            length = int(row.length + len(around[row.id]) * average)
            scores[row.id] = score + NEAR * bm25(counts, length, near, average * (2 * REACH + 1))
    return scores


def _beside(asked: Query, rows: Iterable[Row]) -> dict[int, list[int]]:
    """The neighbours of entries. Those of a document follow each other, unless it grew in turns with others."""
    found: dict[int, list[int]] = {}
    scattered: list[str] = []
    for row in rows:
        entries, first, last = asked.documents[row.document][:3]
        if last - first + 1 == entries:
            near = range(max(row.id - REACH, first), min(row.id + REACH, last) + 1)
            found[row.id] = [id for id in near if id != row.id]
        else:
            found[row.id] = []
            scattered.append(str(row.id))
    if scattered:
        for id, other in asked.db.execute(_BESIDE.format(",".join(scattered))):
            found[id].append(other)
    return found


_ROW = "SELECT stems, id, document, place, length, time, status FROM entries"
_BESIDE = (
    "SELECT e.id, o.id FROM entries e JOIN entries o ON o.document = e.document"
    f" AND o.place BETWEEN e.place - {REACH} AND e.place + {REACH} AND o.id <> e.id WHERE e.id IN ({{}})"
)


def bm25(counts: Sequence[int], length: int, weights: list[float], average: float) -> float:
    """The usual formula, for one entry."""
    norm = K1 * (1 - B + B * length / average)
    return sum([weight * n * (K1 + 1) / (n + norm) for n, weight in zip(counts, weights, strict=True) if n])


def _documents(asked: Query, ids: set[int], terms: list[Term]) -> dict[int, float]:
    """BM25 of whole documents, with the number of their entries that hold a term for its frequency.

    Entries of a document have neighbouring numbers, so that they are counted by bisecting; where documents grew in
    turns the count is scaled down. Terms that are everywhere say nothing of a document.
    """
    marks = ",".join(map(str, ids))
    sql = f"SELECT id, entries, first, last, path, scope, owner, type FROM documents WHERE id IN ({marks})"
    found = asked.db.execute(sql).fetchall()
    held = [(sorted(term.rows), term.above) for term in terms if term.whole]
    scores: dict[int, float] = {}
    for id, entries, first, last, *rest in found:
        asked.documents[id] = (entries, first, last, *rest)
        norm, share, score = K1 * (1 - B + B * entries / asked.per), min(entries / (last - first + 1), 1.0), 0.0
        for rows, worth in held:
            if n := (bisect_right(rows, last) - bisect_left(rows, first)) * share:
                score += worth * n * (K1 + 1) / (n + norm)
        scores[id] = score
    return scores


def _judged(
    rows: dict[int, Row],
    scores: dict[int, float],
    asked: Query,
    where: Sequence[Where],
    types: Sequence[str],
    now: float,
) -> list[tuple[float, Row]]:
    """Scores with what speaks for an entry beforehand: where it is, how it stands, how new it is. Best first."""
    places = {(scope, owner) for *_, scope, owner, _ in asked.documents.values()}
    worth = {place: weight(*place, where) for place in places}
    weights = {id: worth[scope, owner] for id, (*_, scope, owner, _) in asked.documents.items()}
    latest: dict[tuple[bool, ...], float] = {}
    for row in rows.values():
        same = tuple(map(bool, row.counts))
        latest[same] = max(latest.get(same, 0.0), row.time)
    found: list[tuple[float, Row]] = []
    for id, score in scores.items():
        row = rows[id]
        here = weights.get(row.document, 0.0)
        if row.status == HEADING and not any(row.counts):
            continue
        if here and (not types or asked.documents[row.document][-1] in types):
            age = max(now - row.time, 0.0) / MONTH if row.time else 1.0
            same = tuple(map(bool, row.counts))
            new = LATEST if sum(same) > 2 and row.time == latest[same] else 1.0
            found.append((score * here * STANDING.get(row.status, 1.0) * new * (1 + 0.1 * math.exp(-age)), row))
    return sorted(found, key=lambda each: (-each[0], -each[1].time, -each[1].id))


def _hits(db: sqlite3.Connection, best: list[tuple[float, Row]], documents: dict[int, tuple[Any, ...]]) -> list[Hit]:
    marks = ",".join(str(row.id) for _, row in best)
    said = {id: rest for id, *rest in db.execute(f"SELECT id, key, text FROM entries WHERE id IN ({marks})")}
    hits: list[Hit] = []
    for score, row in best:
        path, scope, owner, type = documents[row.document][3:]
        key, text = said[row.id]
        hits.append(Hit(row.id, path, scope, owner, type, key, text, row.time, row.status, score))
    return hits
