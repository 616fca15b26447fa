"""Which entries hold a stem: a row for each part of the index and each stem, with two bytes for each entry; in a part
that is full, with a bit for every entry of the part when a stem is in many.

This is what an FTS5 table would be asked for, and was. Measured at 100,000 entries, FTS5 hands over 4 entries per
microsecond, and takes 10 ms for a question about one project with its sessions, because it joins the lists of all of
them for every word. Here a list is one blob, and belonging to a project is a byte that is looked up.
"""

from __future__ import annotations

import sqlite3
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import compress
from typing import TypeAlias

PART = 8192
"""Entries of a part. New entries are added to the rows of the last part alone, which lie together in the file."""
MANY = 384
"""Entries of a part from which on bits are quicker to compare than a list; in fewer, they would also be larger."""
FEW = 8
"""Walking through so many places costs as much as looking one up."""
SCATTERED = 16
"""Looking for one bit costs as much as walking over so many."""
SHIFTED = 64
"""For fewer bits than this it does not pay to write all of them out."""
FIRST, AT_ONCE = 4, 32
"""Parts that are asked for together: of a word that is everywhere the newest are enough."""
SCHEMA = "CREATE TABLE postings(part INTEGER, stem TEXT, ids BLOB NOT NULL, PRIMARY KEY(part, stem)) WITHOUT ROWID;\n"
_ADD = "INSERT INTO postings VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET ids = CAST(ids || excluded.ids AS BLOB)"
Places: TypeAlias = "array[int] | int"
"""Places in a part: in order, or as the bits of a number."""
_BYTES = PART // 8 + 1  # an odd number of bytes are bits, an even number a list
_BITS = bytes.maketrans(b"01", b"\0\1")


def half(stem: str) -> bool:
    """One CJK character: it begins a pair, or ends a run."""
    return len(stem) == 1 and stem > "\u2fff"


def add(db: sqlite3.Connection, entries: Iterable[tuple[int, Iterable[str]]]) -> None:
    """Put entries in, by their numbers, which are larger than all before, with their stems, each once."""
    lists: dict[tuple[int, str], array[int]] = {}
    for id, stems in entries:
        part, at = divmod(id, PART)
        for stem in stems:
            held = lists.get((part, stem))
            if held is None:
                lists[part, stem] = array("H", (at,))
            else:
                held.append(at)
    (last,) = db.execute("SELECT max(part) FROM postings").fetchone()
    db.executemany(_ADD, [(part, stem, lists[part, stem].tobytes()) for part, stem in sorted(lists)])
    parts = {part for part, _ in lists} | ({last} if last is not None else set())
    for full in sorted(parts)[:-1]:
        _fold(db, full)


def _fold(db: sqlite3.Connection, part: int) -> None:
    """Nothing is added to a part any more: keep what is in many of its entries as bits."""
    sql = f"SELECT stem, ids FROM postings WHERE part=? AND length(ids) >= {2 * MANY} AND length(ids) % 2 = 0"
    rows = db.execute(sql, (part,)).fetchall()
    db.executemany(
        "UPDATE postings SET ids=? WHERE part=? AND stem=?",
        [(bits(newest(_read(ids))).to_bytes(_BYTES, "little"), part, stem) for stem, ids in rows],
    )


def remove(db: sqlite3.Connection, entries: Iterable[tuple[int, Iterable[str]]]) -> None:
    """Take entries out."""
    gone: dict[tuple[int, str], set[int]] = {}
    for id, stems in entries:
        part, at = divmod(id, PART)
        for stem in stems:
            gone.setdefault((part, stem), set()).add(at)
    for (part, stem), places in gone.items():
        found = db.execute("SELECT ids FROM postings WHERE part=? AND stem=?", (part, stem)).fetchone()
        held = sorted(newest(_read(found[0]))) if found else []
        left = array("H", [at for at in held if at not in places])
        if left:
            db.execute("UPDATE postings SET ids=? WHERE part=? AND stem=?", (left.tobytes(), part, stem))
        else:
            db.execute("DELETE FROM postings WHERE part=? AND stem=?", (part, stem))


def bits(places: Iterable[int]) -> int:
    """Places as the bits of a number."""
    flags = bytearray(b"0") * PART
    for at in places:
        flags[PART - 1 - at] = 49
    return int(flags, 2)


def newest(places: Places) -> Iterator[int]:
    """The places, from the last one on."""
    if not isinstance(places, int):
        return reversed(places)
    written = f"{places:b}"
    if places.bit_count() * SCATTERED < len(written):
        return _found(written)
    return compress(range(len(written) - 1, -1, -1), written.encode().translate(_BITS))


def _found(written: str) -> Iterator[int]:
    top, at = len(written) - 1, written.find("1")
    while at >= 0:
        yield top - at
        at = written.find("1", at + 1)


def both(few: Places, many: Places) -> Places:
    """What is in both. A few are looked up one by one."""
    if isinstance(few, int):
        return few & many if isinstance(many, int) else both(many, few)
    if isinstance(many, int):
        if len(few) < SHIFTED:
            return array("H", [at for at in few if many >> at & 1])
        held = f"{many | 1 << PART:b}"[::-1]
        return array("H", [at for at in few if held[at] == "1"])
    if len(few) > len(many):
        few, many = many, few
    if FEW * len(few) >= len(many):
        return array("H", sorted(set(few).intersection(many)))
    size = len(many)
    return array("H", [each for each in few if (at := bisect_left(many, each)) < size and many[at] == each])


class Lists:
    """Where one stem is held: for each part, the newest first, the places in it. Read when asked for, and kept."""

    def __init__(self, stem: str, last: int) -> None:
        self.stem, self._rest = stem, range(last // PART, -1, -1)
        self._read: dict[int, Places] = {}
        self._count = FIRST

    def parts(self, db: sqlite3.Connection) -> Iterator[tuple[int, Places]]:
        """Every part that holds it, with the places in order."""
        done = 0
        while True:
            for part in list(self._read)[done:]:
                yield part, self._read[part]
                done += 1
            if not self._rest:
                return
            self._more(db)

    def at(self, db: sqlite3.Connection, part: int) -> Places:
        """The places in one part."""
        while self._rest and part <= self._rest[0]:
            self._more(db)
        return self._read.get(part) or array("H")

    def _more(self, db: sqlite3.Connection) -> None:
        count, self._count = self._count, AT_ONCE
        parts, self._rest = self._rest[:count], self._rest[count:]
        sql, asked = (_BEGINNING, (self.stem, chr(ord(self.stem) + 1))) if half(self.stem) else (_WHOLE, (self.stem,))
        for part, ids in sorted(db.execute(sql.format(",".join(map(str, parts))), asked), reverse=True):
            before = self._read.get(part)
            found = _read(ids)
            self._read[part] = found if before is None else array("H", sorted({*newest(before), *newest(found)}))


_WHOLE = "SELECT part, ids FROM postings WHERE part IN ({}) AND stem = ?"
_BEGINNING = "SELECT part, ids FROM postings WHERE part IN ({}) AND stem >= ? AND stem < ?"


def _read(raw: bytes) -> Places:
    if len(raw) % 2:
        return int.from_bytes(raw, "little")
    held = array("H")
    held.frombytes(raw)
    return held
