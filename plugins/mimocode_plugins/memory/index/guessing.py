"""Which known words somebody may have meant by one that nobody ever wrote: a piece of a known one, a slip of the
fingers, two known ones put together as German does."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from .stem import stem

ALL, SOME = 12, 4
"""Known words that are looked for: in place of all that was asked, and of a word beside others that are known."""
WORDS = 3
"""Unknown words beside known ones that are looked into."""
SHORTEST, COMPOUND, PART = 6, 9, 4
"""Letters: of a word that may be misspelt, of one that may be two, and of the first of those."""
_PIECES = (
    "SELECT word FROM vocabulary WHERE id IN (SELECT rowid FROM pieces WHERE pieces MATCH ? LIMIT 1000)"
    " AND length(word) BETWEEN ? AND ? LIMIT 200"
)
_BEGINNING = "SELECT word FROM vocabulary WHERE word >= ?1 AND word < ?1 || char(1114111) ORDER BY word LIMIT 1"


def instead(db: sqlite3.Connection, said: Sequence[str]) -> list[str]:
    """Stems to look for when none of these words is known."""
    found: dict[str, None] = {}
    done: list[str] = []
    for word in said:
        if len(word) < 3 or any(word in other for other in done):
            continue
        held = _holding(db, word)[:ALL] or list(_meant(db, word))
        found |= dict.fromkeys(map(stem, held))
        done += [word] if held else []
    return list(found)


def beside(db: sqlite3.Connection, unknown: Sequence[str]) -> list[str]:
    """Stems to look for beside those that are known."""
    found: dict[str, None] = {}
    asked = [word for word in unknown if len(word) >= SHORTEST and word[0] < "\u2fff"]
    for word in asked[:WORDS]:
        if not db.execute("SELECT 1 FROM vocabulary WHERE word = ?", (word,)).fetchone():
            found |= dict.fromkeys(map(stem, _holding(db, word)[:SOME] or _meant(db, word)))
    return list(found)


def _holding(db: sqlite3.Connection, word: str) -> list[str]:
    """Known words that hold one as a piece, the shortest first."""
    rows = db.execute(_PIECES, (_match(word), len(word), 1000))
    return sorted((known for (known,) in rows if word in known), key=len)


def _meant(db: sqlite3.Connection, word: str) -> Iterator[str]:
    """Known words that are spelt nearly so, else those that it is made of."""
    near = _misspelt(db, word) if len(word) >= SHORTEST and word.isalpha() else []
    yield from near
    if not near and len(word) >= COMPOUND and word.isalpha():
        yield from _made_of(db, word)


def _misspelt(db: sqlite3.Connection, word: str) -> list[str]:
    """One slip spoils one half of a word at most."""
    middle, slips = len(word) // 2, 1 if len(word) < 8 else 2
    pieces = {word[at : at + 3] for at in range(len(word) - 2)}
    known: set[str] = set()
    for half in (word[:middle], word[middle:]):
        known.update(row[0] for row in db.execute(_PIECES, (_match(half), len(word) - slips, len(word) + slips)))
    common = sorted((-sum(piece in each for piece in pieces), each) for each in known)[:6]
    near = sorted((distance(word, each), each) for _, each in common)
    return [each for apart, each in near if apart <= slips and apart == near[0][0]]


def distance(one: str, other: str) -> int:
    """How many letters were left out, added, mistaken, or changed places (Damerau, 1964, neighbours once)."""
    before, row = list[int](), list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, b) == (other[j - 2], one[i - 2]):
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]


def _made_of(db: sqlite3.Connection, word: str) -> Iterator[str]:
    for cut in range(len(word) - 3, PART - 1, -1):
        if (first := _begun(db, word[:cut])) is None:
            continue
        for joint in ("", "s", "es", "n", "en"):
            rest = word[cut:]
            if (
                rest.startswith(joint)
                and len(rest) - len(joint) >= PART
                and (second := _begun(db, rest.removeprefix(joint)))
            ):
                yield from (first, second)
                return


def _begun(db: sqlite3.Connection, part: str) -> str | None:
    """A known word that is this one, or an ending longer."""
    found = db.execute(_BEGINNING, (part,)).fetchone()
    return found[0] if found and (found[0] == part or (len(part) >= 6 and len(found[0]) <= len(part) + 3)) else None


def _match(word: str) -> str:
    """The trigrams of a word, all of them."""
    return f'"{word}"' if len(word) == 3 else " ".join(f'"{word[at : at + 3]}"' for at in range(len(word) - 2))
