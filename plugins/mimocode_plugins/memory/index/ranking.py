"""Finds entries: BM25 of the entry, of its neighbourhood and of its document added up, with recency and scope as
priors (DESIGN.md 7, demands.md 3.3).

What a query costs is bounded at any size of the index. Each term is asked for its newest entries; entries are put in
order by which of the terms they and their neighbours hold, and only the best are fetched and scored exactly.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from .database import Index, mark
from .stem import stem
from .text import days, words

POSTINGS = 1600
"""Entries that all terms of a query are asked for together."""
FEWEST, MOST = 300, 1200
"""Entries that one term is asked for. A term in more of them says little, and of those the newest are likelier
wanted."""
SMALL, MORE = 20_000, 3
"""Up to so many entries, so many times more is looked at: everything, for most questions."""
ROUGH, EXACT = 120, 24
"""Entries whose neighbourhood is looked at, and those that are fetched and scored exactly."""
TERMS = 12
K1, B = 1.2, 0.6
NEAR, ABOVE = 0.8, 0.5
"""Weights of the neighbourhood and of the document beside the entry's own score."""
REACH = 2
"""Neighbours on either side."""
SPAN = 100_000
"""Newest entries among which common terms are looked for together."""
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


class Row(NamedTuple):
    """An entry as it is scored: `counts` is how often it holds each term."""

    id: int
    document: int
    place: int
    length: int
    time: float
    status: str
    counts: tuple[int, ...]
    chosen: bool
    """Whether it is looked at for itself, and not for what lies beside it."""


@dataclass(frozen=True)
class Term:
    """A stem that is asked for, the entries that hold it, and what holding it is worth to an entry, to a
    neighbourhood and to a document (inverse frequencies)."""

    stem: str
    rows: list[int]
    whole: bool
    """Whether `rows` are all entries that hold it."""
    own: float
    near: float
    above: float

    @property
    def needle(self) -> str:
        """How it stands in the stems of an entry."""
        return f" {self.stem}" if _half(self.stem) else f" {self.stem} "


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
        terms = asked.terms(dict.fromkeys([*map(stem, said), *days(query)]))
        if not terms:
            index.settle()
            asked = _Query(db, where)
            terms = asked.terms(_guesses(db, said))
        if not terms:
            return []
        rows = asked.rows(asked.candidates(terms, max(EXACT, 2 * limit)), terms)
        scores = _scores(asked, rows, terms)
        best = _judged(rows, scores, asked, where, types, time.time() if now is None else now)
        least = best[0][0] * floor if best else 0.0
        return _hits(db, [(score, row) for score, row in best if score >= least][:limit], asked.documents)


class _Query:
    """One search in one part of the index."""

    def __init__(self, db: sqlite3.Connection, where: Sequence[Where]) -> None:
        self.db = db
        self.entries, self.length, self.count, self.indexed = db.execute(_TOTALS).fetchone()
        self.per = max(self.entries // max(self.count, 1), 1)
        """Entries of an average document."""
        self.more = MORE if self.entries <= SMALL else 1
        self.documents: dict[int, tuple[Any, ...]] = {}
        """Those of the entries that are scored."""
        self.tail = self._tail(where)
        self.within = self._within(where)

    def _tail(self, where: Sequence[Where]) -> list[tuple[int, str]]:
        """What was added last and is not in the full-text table yet, newest first."""
        rows = self.db.execute(_TAIL, (self.indexed,)).fetchall()
        return [(id, stems) for id, stems, scope, owner in rows if weight(scope, owner, where)]

    def _within(self, where: Sequence[Where]) -> str:
        """What restricts a search to a part of the index; "" when most of the index is in it anyway."""
        terms = list(dict.fromkeys(place.term for place in where))
        if "" in terms:
            return ""
        most = self.entries // 4 + 1
        if self.entries < 4000 and sum(len(self._newest(term, most)) for term in terms) > self.entries // 4:
            return ""
        return f" AND ({' OR '.join(terms)})"

    def _newest(self, match: str, limit: int, after: int = 0) -> list[int]:
        ids = self.db.execute(_NEWEST, (match, after, limit)).fetchone()[0]
        return list(map(int, ids.split(","))) if ids else []

    def terms(self, stems: Iterable[str]) -> list[Term]:
        """The terms that occur, the rarest first, at most `TERMS`."""
        asked = list(islice(stems, 3 * TERMS))
        limit = min(max(POSTINGS // max(len(asked), 1), FEWEST), MOST) * self.more
        found = [term for stem in asked if (term := self._term(stem, limit))]
        return sorted(found, key=lambda term: -term.own)[:TERMS]

    def _term(self, stem: str, limit: int) -> Term | None:
        needle = f" {stem}" if _half(stem) else f" {stem} "
        rows = [id for id, stems in self.tail if needle in stems]
        rows += self._newest(f"{_quoted(stem)}{self.within}", limit)
        if not rows:
            return None
        whole = len(rows) < limit
        n = len(rows) if whole else max(len(rows), self.entries // 8)
        held = len({row // self.per for row in rows}) if whole else self.count // 2
        around = min(n * (1.0 + 0.75 * 2 * REACH), float(self.entries))
        return Term(stem, rows, whole, _idf(self.entries, n), _idf(self.entries, around), _idf(self.count, held))

    def candidates(self, terms: list[Term], count: int) -> list[int]:
        """The entries that hold, by weight, the most of what is asked for, themselves and around them."""
        masks: dict[int, int] = {}
        for at, rows in self._gathered(terms):
            flag, held = 1 << at, masks.get
            for row in rows:
                masks[row] = held(row, 0) | flag
        own = _Sums([term.own for term in terms])
        near = _Sums([term.near for term in terms])
        first = _best(masks, own, ROUGH * self.more)
        wider = {row + step for row in first[:count] for step in range(-REACH, REACH + 1)}
        rough: dict[int, float] = {}
        held = masks.get
        for row in wider.union(first):
            mine = held(row, 0)
            around = mine | held(row - 2, 0) | held(row - 1, 0) | held(row + 1, 0) | held(row + 2, 0)
            rough[row] = own.of(mine) + NEAR * near.of(around)
        return heapq.nlargest(count, rough, key=rough.__getitem__)

    def rows(self, ids: list[int], terms: list[Term]) -> dict[int, Row]:
        """These entries and what lies around them."""
        needles = [term.needle for term in terms]
        chosen = set(ids)
        wanted = sorted({id + step for id in ids for step in range(-REACH, REACH + 1)})
        found = self.db.execute(f"{_ROW} WHERE id IN ({','.join(map(str, wanted))})")
        return {
            row[0]: Row(*row, tuple(map(stems.count, needles)), row[0] in chosen)  # type: ignore[call-arg]
            for stems, *row in found
        }

    def _gathered(self, terms: list[Term]) -> list[tuple[int, list[int]]]:
        """The terms that candidates are gathered by. Terms that are everywhere are looked for together, since the
        newest entries of each would have nothing to do with each other."""
        found = [(at, term.rows) for at, term in enumerate(terms)]
        common = [term for term in terms if not term.whole]
        if len(common) < 2 or (len(common) < len(terms) and len(terms) - len(common) > 1):
            return found
        after = max(self.indexed - SPAN, 0)
        for few in range(2, min(len(common), 4) + 1):
            match = " AND ".join(_quoted(term.stem) for term in common[:few])
            together = self._newest(f"{match}{self.within}", FEWEST, after)
            found += [(terms.index(term), together) for term in common[:few]]
            if len(together) < FEWEST:  # it took a look at all of them, and one more term would find fewer
                break
        return found


class _Sums:
    """Sums of weights for sets of terms, each worked out once. Sets are bit masks."""

    def __init__(self, weights: list[float]) -> None:
        self.weights, self.known = weights, {0: 0.0}

    def of(self, mask: int) -> float:
        """The sum of the weights of these terms."""
        if mask not in self.known:
            self.known[mask] = sum(weight for at, weight in enumerate(self.weights) if mask >> at & 1)
        return self.known[mask]


def _best(masks: dict[int, int], sums: _Sums, count: int) -> list[int]:
    """The newest entries of the heaviest sets of terms."""
    held: dict[int, list[int]] = {}
    for row, mask in masks.items():
        held.setdefault(mask, []).append(row)
    best: list[int] = []
    for mask in sorted(held, key=sums.of, reverse=True):
        best += held[mask]
        if len(best) >= count:
            break
    return best[:count]


_TOTALS = "SELECT entries, length, documents, indexed FROM totals"
_ROW = "SELECT stems, id, document, place, length, time, status FROM entries"
_TAIL = (
    "SELECT e.id, e.stems, d.scope, d.owner FROM entries e JOIN documents d ON d.id = e.document"
    " WHERE e.id > ? ORDER BY e.id DESC"
)
_NEWEST = (
    "SELECT group_concat(rowid) FROM"
    " (SELECT rowid FROM found WHERE found MATCH ? AND rowid > ? ORDER BY rowid DESC LIMIT ?)"
)


def _idf(all: float, n: float) -> float:
    return math.log(1 + all / (n + 0.5))


def _quoted(term: str) -> str:
    return f'"{term}"{"*" if _half(term) else ""}'


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


def _scores(asked: _Query, rows: dict[int, Row], terms: list[Term]) -> dict[int, float]:
    """Scores of the chosen entries by id."""
    average = max(asked.length / max(asked.entries, 1), 1.0)
    by_place = {(row.document, row.place): row for row in rows.values()}
    above = _documents(asked, {row.document for row in rows.values() if row.chosen}, terms)
    own, near = [term.own for term in terms], [term.near for term in terms]
    scores: dict[int, float] = {}
    for row in rows.values():
        if not row.chosen:
            continue
        places = [(row.document, row.place + step) for step in range(-REACH, REACH + 1)]
        around = [by_place[place] for place in places if place in by_place]
        counts = list(map(sum, zip(*(r.counts for r in around), strict=True)))
        if any(counts):
            score = _bm25(row.counts, row.length, own, average) + ABOVE * above.get(row.document, 0.0)
            length = sum(r.length for r in around)
            scores[row.id] = score + NEAR * _bm25(counts, length, near, average * (2 * REACH + 1))
    return scores


def _bm25(counts: Sequence[int], length: int, weights: list[float], average: float) -> float:
    norm = K1 * (1 - B + B * length / average)
    return sum(weight * n * (K1 + 1) / (n + norm) for n, weight in zip(counts, weights, strict=True) if n)


def _documents(asked: _Query, ids: set[int], terms: list[Term]) -> dict[int, float]:
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
        asked.documents[id] = tuple(rest)
        norm, share, score = K1 * (1 - B + B * entries / asked.per), min(entries / (last - first + 1), 1.0), 0.0
        for rows, weight in held:
            if n := (bisect_right(rows, last) - bisect_left(rows, first)) * share:
                score += weight * n * (K1 + 1) / (n + norm)
        scores[id] = score
    return scores


def _judged(
    rows: dict[int, Row],
    scores: dict[int, float],
    asked: _Query,
    where: Sequence[Where],
    types: Sequence[str],
    now: float,
) -> list[tuple[float, Row]]:
    """Scores with what speaks for an entry beforehand: where it is, how it stands, how new it is. Best first."""
    weights = {id: weight(scope, owner, where) for id, (_, scope, owner, _) in asked.documents.items()}
    found: list[tuple[float, Row]] = []
    for id, score in scores.items():
        row = rows[id]
        here = weights.get(row.document, 0.0)
        if here and (not types or asked.documents[row.document][3] in types):
            age = max(now - row.time, 0.0) / MONTH if row.time else 1.0
            found.append((score * here * STANDING.get(row.status, 1.0) * (1 + 0.1 * math.exp(-age)), row))
    return sorted(found, key=lambda each: (-each[0], -each[1].time, -each[1].id))


def _hits(db: sqlite3.Connection, best: list[tuple[float, Row]], documents: dict[int, tuple[Any, ...]]) -> list[Hit]:
    marks = ",".join(str(row.id) for _, row in best)
    said = {id: rest for id, *rest in db.execute(f"SELECT id, key, text FROM entries WHERE id IN ({marks})")}
    hits: list[Hit] = []
    for score, row in best:
        path, scope, owner, type = documents[row.document]
        key, text = said[row.id]
        hits.append(Hit(row.id, path, scope, owner, type, key, text, row.time, row.status, score))
    return hits


def weight(scope: str, owner: str, where: Sequence[Where]) -> float:
    """What being there counts; 0 for what is not searched."""
    fits = (w.weight for w in where if w.scope in ("", scope) and w.owner in ("", owner))
    return max(fits, default=0.0)
