"""Finds rows of steps that come again in several sessions, and not by chance. Deterministic; no model has a say.

All rows with gaps of at most `GAP` steps are grown step by step (PrefixSpan with a gap constraint), as long as
`SESSIONS` sessions have them. What remains must be in order wherever its steps are, must consist of more than what
every session does anyway, and must be part of no larger finding.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from .steps import Step

SESSIONS = 3
"""Sessions that must have done it."""
SHORTEST, LONGEST = 3, 10
"""Steps of a workflow."""
GAP = 2
"""Steps that may stand between two of its steps."""
COMMON = 0.25
"""A step that this share of all sessions has (and more than `FEW`) says nothing about what is being done."""
FEW = 6
SPECIAL = 2
"""Steps of a workflow that must not be common."""
IN_ORDER = 0.7
"""Share of the sessions with all its steps that have them in this order, close together."""
CHANCE = 1e-4
"""A step belongs to a row if it would follow it so often by chance with no more than this probability."""
SMALL = 40
"""Steps that are thought to be there besides, so that a few sessions can tell something, too."""
MOST = 20_000
"""Rows that are looked at; a log that has more is one big repetition."""

Row = tuple[str, ...]
Ends = dict[str, list[int]]
"""By session the places where a row ends."""


@dataclass(frozen=True)
class Workflow:
    """A row of steps, and where it was done: by session the steps as they really were."""

    keys: Row
    places: Mapping[str, tuple[Step, ...]]

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """Who did it."""
        return tuple(sorted(self.places))

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """Each step as it was done most often; what differed each time is left open."""
        return tuple(_typical([steps[at].shown for steps in self.places.values()]) for at in range(len(self.keys)))


def workflows(sessions: Mapping[str, Sequence[Step]]) -> list[Workflow]:
    """The workflows of these sessions, those done most often first."""
    in_how_many = Counter(key for steps in sessions.values() for key in {step.key for step in steps})
    limit = max(FEW, COMMON * len(sessions))
    special = {key for key, count in in_how_many.items() if count <= limit}
    rows = _rows({id: tuple(step.key for step in steps) for id, steps in sessions.items()}, in_how_many)
    good = [
        (row, ends)
        for row, ends in rows
        if len(row) >= SHORTEST
        and len(set(row) & special) >= SPECIAL
        and row[0] in special  # it begins where it is begun, not with what happened to come before
        and _in_order(row, ends, sessions)
    ]
    chosen = [Workflow(row, _places(row, ends, sessions)) for row, ends in _largest(good)]
    return sorted(chosen, key=lambda found: (-len(found.places), found.keys))


def _rows(sequences: Mapping[str, Row], often: Counter[str]) -> list[tuple[Row, Ends]]:
    """Every row that enough sessions have, with the places where it ends."""
    found: list[tuple[Row, Ends]] = []
    start: dict[str, Ends] = defaultdict(dict)
    for id, keys in sequences.items():
        for at, key in enumerate(keys):
            if often[key] >= SESSIONS:
                start[key].setdefault(id, []).append(at)
    queue: list[tuple[Row, Ends]] = [((key,), ends) for key, ends in sorted(start.items())]
    while queue and len(found) < MOST:
        row, ends = queue.pop()
        if len(ends) < SESSIONS:
            continue
        found.append((row, ends))
        if len(row) < LONGEST:
            queue += [((*row, key), longer) for key, longer in sorted(_grown(ends, sequences, often).items())]
    return found


def _grown(ends: Ends, sequences: Mapping[str, Row], often: Counter[str]) -> dict[str, Ends]:
    """The rows that are one step longer, where that step follows more often than it would by chance."""
    longer: dict[str, Ends] = defaultdict(dict)
    seen: set[tuple[str, int]] = set()
    for id, places in ends.items():
        keys = sequences[id]
        for end in places:
            for at in range(end + 1, min(end + 2 + GAP, len(keys))):
                seen.add((id, at))
                if often[keys[at]] >= SESSIONS and at not in longer[keys[at]].setdefault(id, []):
                    longer[keys[at]][id].append(at)
    rest = Counter(key for id, keys in sequences.items() for at, key in enumerate(keys) if (id, at) not in seen)
    outside = sum(rest.values())
    follows = len(seen) / len(ends)  # steps that come into question, in a session on average
    return {
        key: found
        for key, found in longer.items()
        if len(found) >= SESSIONS and _chance(len(found), len(ends), rest[key], outside, follows) <= CHANCE
    }


def _chance(hits: int, tries: int, count: int, total: int, follows: float) -> float:
    """How probable it is that a step follows in so many of the sessions, if it comes as often as everywhere else."""
    once = 1 - (1 - (count + 0.5) / (total + SMALL)) ** max(1.0, follows)
    return math.fsum(math.comb(tries, n) * once**n * (1 - once) ** (tries - n) for n in range(hits, tries + 1))


def _in_order(row: Row, ends: Ends, sessions: Mapping[str, Sequence[Step]]) -> bool:
    wanted = set(row)
    having = sum(wanted <= {step.key for step in steps} for steps in sessions.values())
    return len(ends) >= IN_ORDER * having


def _largest(rows: list[tuple[Row, Ends]]) -> Iterator[tuple[Row, Ends]]:
    """Of rows that are about the same work the longest; a row is that if half of its sessions and steps are."""
    taken: list[tuple[Row, Ends]] = []
    for row, ends in sorted(rows, key=lambda each: (-len(each[0]), -len(each[1]), each[0])):
        if not any(_about(row, ends, *other) for other in taken):
            taken.append((row, ends))
            yield row, ends


def _about(row: Row, ends: Ends, other: Row, others: Ends) -> bool:
    shared = len(ends.keys() & others.keys())
    steps = len(set(row) & set(other))
    return 2 * shared >= min(len(ends), len(others)) and 2 * steps >= min(len(set(row)), len(set(other)))


def _places(row: Row, ends: Ends, sessions: Mapping[str, Sequence[Step]]) -> dict[str, tuple[Step, ...]]:
    return {id: _at(row, sessions[id], places[0]) for id, places in ends.items()}


def _at(row: Row, steps: Sequence[Step], end: int) -> tuple[Step, ...]:
    """The steps of a row that ends here, found backwards: each the latest that leaves room for those before it."""

    def back(number: int, at: int) -> tuple[Step, ...] | None:
        if steps[at].key != row[number]:
            return None
        if number == 0:
            return (steps[at],)
        for before in range(at - 1, max(at - 2 - GAP, -1), -1):
            if (found := back(number - 1, before)) is not None:
                return (*found, steps[at])
        return None

    return back(len(row) - 1, end) or ()


def _typical(shown: Sequence[str]) -> str:
    """The wording that half of them have; else the words they share, with "..." for those that differ."""
    (best, count), *_ = Counter(shown).most_common(1)
    if 2 * count > len(shown):
        return best
    rows = [each.split() for each in shown]
    size = min(map(len, rows))
    words = [rows[0][at] if all(row[at] == rows[0][at] for row in rows) else "..." for at in range(size)]
    if any(len(row) > size for row in rows):
        words.append("...")
    text = " ".join(words)
    while "... ..." in text:
        text = text.replace("... ...", "...")
    return text
