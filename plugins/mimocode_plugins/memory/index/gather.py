"""Which entries of the index are worth a closer look: what a query costs is bounded here, at any size of the index.

Each term is asked for its newest entries, and entries are put in order by which terms they and their neighbours hold.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import Any

from . import postings
from .postings import Places, both
from .recent import Recent

POSTINGS = 2000
"""Entries that all terms of a query are asked for together."""
FEWEST, MOST = 300, 1000
"""Entries that one term is asked for. A term in more of them says little, and of those the newest are likelier
wanted."""
SMALL, MORE = 20_000, 3
"""Up to so many entries, so many times more is looked at: everything, for most questions."""
ROUGH = 150
"""Entries whose neighbourhood is looked at."""
TERMS = 12
REACH = 2
"""Neighbours on either side."""
NEAR = 0.8
"""Weight of the neighbourhood beside the entry's own."""
JOINED, PER_PART = 6000, 250
"""Entries of common terms that are looked through, the newest first, for those that hold several of them; and as how
many it counts to begin with another part."""


@dataclass(frozen=True)
class Where:
    """A part of the index: a scope ("" is all), and whose ("" is everyone's). `weight` is what being there counts."""

    scope: str = ""
    owner: str = ""
    weight: float = 1.0


EVERYWHERE = (Where(),)


def weight(scope: str, owner: str, where: Sequence[Where]) -> float:
    """What being there counts; 0 for what is not searched."""
    fits = (w.weight for w in where if w.scope in ("", scope) and w.owner in ("", owner))
    return max(fits, default=0.0)


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

    def but(self, share: float) -> Term:
        """The same term, worth only a share of it."""
        return replace(self, own=self.own * share, near=self.near * share, above=self.above * share)

    @property
    def needle(self) -> str:
        """How it stands in the stems of an entry."""
        return f" {self.stem}" if postings.half(self.stem) else f" {self.stem} "


class Query:
    """One search in one part of the index."""

    def __init__(self, db: sqlite3.Connection, where: Sequence[Where], recent: Recent) -> None:
        self.db, self.recent = db, recent
        recent.refresh(db)
        self.entries, self.length, self.count, self.indexed = recent.totals
        self.per = max(self.entries // max(self.count, 1), 1)
        """Entries of an average document."""
        self.more = MORE if self.entries <= SMALL else 1
        self.documents: dict[int, tuple[Any, ...]] = {}
        """Those of the entries that are scored."""
        self.held: dict[int, int] = {}
        """Which terms an entry holds, as a bit mask, as far as that was looked at."""
        self.here = {place for place in set(recent.places.values()) if weight(*place, where)}
        """Where of what waits is searched: scopes with owners."""
        self.within = recent.belonging(db, [(place.scope, place.owner) for place in where])

    def terms(self, stems: Iterable[str]) -> list[Term]:
        """The terms that occur, the rarest first, at most `TERMS`."""
        asked = list(islice(stems, 3 * TERMS))
        limit = min(max(POSTINGS // max(len(asked), 1), FEWEST), MOST) * self.more
        found = [term for stem in asked if (term := self._term(stem, limit))]
        return sorted(found, key=lambda term: -term.own)[:TERMS]

    def _term(self, stem: str, limit: int) -> Term | None:
        places = self.recent.places
        rows = [id for id in self.recent.waiting(stem, postings.half(stem)) if places[id] in self.here]
        whole = True
        for part, held in self.recent.lists(stem).parts(self.db):
            if len(rows) > limit:
                whole, rows = False, rows[: FEWEST * self.more]
                break
            rows += islice(self._ids(part, self._searched(part, held)), limit - len(rows) + 1)
        if not rows:
            return None
        n = len(rows) if whole else max(len(rows), self.entries // 8)
        held_by = len({row // self.per for row in rows}) if whole else self.count // 2
        around = min(n * (1.0 + 0.75 * 2 * REACH), float(self.entries))
        own, near, above = idf(self.entries, n), idf(self.entries, around), idf(self.count, held_by)
        return Term(stem, rows, whole, own, near, above)

    def _ids(self, part: int, held: Places) -> Iterable[int]:
        """The entries of a part at these places, newest first."""
        start = part * postings.PART
        return map(range(start, start + postings.PART).__getitem__, postings.newest(held))

    def _searched(self, part: int, held: Places) -> Places:
        """The places, of these in a part, that are searched."""
        return held if self.within is None else both(held, self.within.get(part, 0))

    def candidates(self, terms: list[Term], count: int) -> list[int]:
        """The entries that hold, by weight, the most of what is asked for, themselves and around them."""
        masks = self.held = {}
        for at, rows in self._gathered(terms):
            masks.update(zip(rows, map((1 << at).__or__, map(masks.get, rows, repeat(0))), strict=False))
        own = Sums([term.own for term in terms])
        near = Sums([term.near for term in terms])
        first = _best(masks, own, ROUGH)
        wider = {row + step for row in first[:count] for step in range(-REACH, REACH + 1)}
        rough: dict[int, float] = {}
        held = masks.get
        for row in wider.union(first):
            mine = held(row, 0)
            around = mine | held(row - 2, 0) | held(row - 1, 0) | held(row + 1, 0) | held(row + 2, 0)
            rough[row] = own.of(mine) + NEAR * near.of(around)
        return heapq.nlargest(count, rough, key=rough.__getitem__)

    def _gathered(self, terms: list[Term]) -> list[tuple[int, list[int]]]:
        """The terms that candidates are gathered by. Terms that are everywhere are looked for together, since the
        newest entries of each would have nothing to do with each other."""
        found: list[tuple[int, list[int]]] = [(at, term.rows) for at, term in enumerate(terms)]
        common = [term for term in terms if not term.whole]
        if len(common) < 2 or (len(common) < len(terms) and len(terms) - len(common) > 1):
            return found
        together = self._together([term.stem for term in common[:4]])
        return found + [(terms.index(term), rows) for few, rows in enumerate(together, 2) for term in common[:few]]

    def _together(self, stems: list[str]) -> list[list[int]]:
        """The newest entries that hold the first two of these, the first three, and so on."""
        found: list[list[int]] = [[] for _ in stems[1:]]
        lists = [self.recent.lists(stem) for stem in stems]
        left = JOINED + self.indexed // 40
        for part, first in lists[0].parts(self.db):
            held = self._searched(part, first)
            left -= PER_PART + (0 if isinstance(first, int) else len(first))
            for rows, other in zip(found, lists[1:], strict=True):
                held = both(held, other.at(self.db, part))
                if len(rows) < FEWEST:
                    rows += islice(self._ids(part, held), FEWEST)
            if len(found[-1]) >= FEWEST or left < 0:
                break
        return found


class Sums:
    """Sums of weights for sets of terms, each worked out once. Sets are bit masks."""

    def __init__(self, weights: list[float]) -> None:
        self.weights, self.known = weights, {0: 0.0}

    def of(self, mask: int) -> float:
        """The sum of the weights of these terms."""
        found = self.known.get(mask)
        if found is None:
            found = self.known[mask] = sum([weight for at, weight in enumerate(self.weights) if mask >> at & 1])
        return found


def idf(all: float, n: float) -> float:
    """What it is worth to hold what `n` of all hold."""
    return math.log(1 + all / (n + 0.5))


def _best(masks: dict[int, int], sums: Sums, count: int) -> list[int]:
    """The newest entries of the heaviest sets of terms."""
    held = Counter(masks.values())
    chosen: dict[int, list[int]] = {}
    missing = count
    for mask in sorted(held, key=sums.of, reverse=True):
        chosen[mask] = []
        if (missing := missing - held[mask]) <= 0:
            break
    for row, mask in masks.items():
        if mask in chosen:
            chosen[mask].append(row)
    return [row for rows in chosen.values() for row in rows][:count]
