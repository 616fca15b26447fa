"""What searches of one index share while it does not change: its totals, the entries that wait to be put into
`postings`, by the stems they hold, and which entries belong to the parts of the index that were searched last."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from .postings import PART, Lists

KEPT = 4
"""Searches of which is kept what belongs to them: some hundred bytes for each of those entries."""
STEMS = 128
"""Stems whose entries are kept, two bytes for each."""
_TOTALS = "SELECT entries, length, documents, indexed FROM totals"
_TAIL = (
    "SELECT e.id, e.stems, d.scope, d.owner FROM entries e JOIN documents d ON d.id = e.document"
    " WHERE e.id > ? ORDER BY e.id"
)
Belonging = dict[int, int]
"""By part of the index: the places of the entries that belong, as bits."""
_OF = "SELECT id, entries, first, last FROM documents WHERE scope = ?"


class Recent:
    """Of one connection. `refresh` before each search keeps it true, whoever wrote meanwhile."""

    def __init__(self) -> None:
        self.totals = (0, 0, 0, 0)
        """Entries, words, documents, and the last entry that does not wait."""
        self.places: dict[int, tuple[str, str]] = {}
        """Scope and owner of each entry that waits."""
        self._held: dict[str, list[int]] = {}
        self._belonging: dict[tuple[tuple[str, str], ...], Belonging] = {}
        self._lists: dict[str, Lists] = {}
        self._others = self._own = -1

    def forget(self) -> None:
        """Something changed that is more than a new entry."""
        self._others = self._own = -1

    def refresh(self, db: sqlite3.Connection) -> None:
        """Take in what was added since, or begin again when more than that happened."""
        others = db.execute("PRAGMA data_version").fetchone()[0]
        if (others, db.total_changes) == (self._others, self._own):
            return
        self.totals = db.execute(_TOTALS).fetchone()
        if others != self._others or self._own < 0:
            self.places, self._held, self._belonging, self._lists = {}, {}, {}, {}
        last = next(reversed(self.places)) if self.places else self.totals[3]
        for id, stems, scope, owner in db.execute(_TAIL, (last,)):
            self.places[id] = (scope, owner)
            for stem in set(stems.split()):
                self._held.setdefault(stem, []).append(id)
        self._others, self._own = others, db.total_changes

    def waiting(self, stem: str, beginning: bool) -> Iterator[int]:
        """The entries that wait and hold a stem, or one that begins like it, newest first."""
        if beginning:
            return iter(sorted({id for s, ids in self._held.items() if s.startswith(stem) for id in ids}, reverse=True))
        return reversed(self._held.get(stem, ()))

    def lists(self, stem: str) -> Lists:
        """Where a stem is held, apart from what waits."""
        found = self._lists.pop(stem, None) or Lists(stem, self.totals[3])
        if len(self._lists) >= STEMS:
            del self._lists[next(iter(self._lists))]
        self._lists[stem] = found
        return found

    def belonging(self, db: sqlite3.Connection, where: Sequence[tuple[str, str]]) -> Belonging | None:
        """What is in these scopes with their owners, apart from what waits; None when everything is."""
        key = tuple(sorted(set(where)))
        if key and not key[0][0]:
            return None
        found = self._belonging.pop(key, None)
        if found is None:
            found = _belonging(db, key, self.totals[3])
            if len(self._belonging) >= KEPT:
                del self._belonging[next(iter(self._belonging))]
        self._belonging[key] = found
        return found


def _belonging(db: sqlite3.Connection, where: Sequence[tuple[str, str]], last: int) -> Belonging:
    flags = bytearray(b"0") * (last + 1)
    for scope, owner in where:
        rows = db.execute(f"{_OF} AND owner = ?", (scope, owner)) if owner else db.execute(_OF, (scope,))
        for id, entries, first, end in rows.fetchall():
            if end - first + 1 == entries:  # the usual case: its entries follow each other
                flags[first : end + 1] = b"1" * entries
                continue
            for (entry,) in db.execute("SELECT id FROM entries WHERE document = ? AND id <= ?", (id, last)):
                flags[entry] = 49
    parts = ((part, int(flags[part * PART : (part + 1) * PART][::-1], 2)) for part in range(last // PART + 1))
    return {part: places for part, places in parts if places}
