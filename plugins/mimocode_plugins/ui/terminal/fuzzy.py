"""Finding things by some of their letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def score(query: str, text: str) -> float:
    """How well the letters of `query` are found in `text`, in order; 0: they are not.

    Letters in a row, beginnings of words and short texts score higher; a text that begins so scores double.
    """
    if not query:
        return 1.0
    wanted, found = query.lower(), text.lower()
    if wanted in found:
        at = found.index(wanted)
        begins = at == 0 or not found[at - 1].isalnum()
        return (10.0 + 5 * begins + 20 * len(wanted) / len(found)) * (2 if at == 0 else 1)
    total, at, row = 0.0, -1, 0
    for letter in wanted:
        place = found.find(letter, at + 1)
        if place < 0:
            return 0.0
        row = row + 1 if place == at + 1 else 0
        total += 1 + row + (2 if place == 0 or not found[place - 1].isalnum() else 0)
        at = place
    return total / len(wanted) * min(1.0, 20 / len(found) + 0.5)


def best(query: str, items: Iterable[T], text: Callable[[T], str], count: int = 50) -> list[T]:
    """The items that fit, best first; equal ones stay in their order."""
    scored = [(score(query, text(item)), item) for item in items]
    fitting = [pair for pair in scored if pair[0] > 0]
    if query:
        fitting.sort(key=lambda pair: -pair[0])
    return [item for _, item in fitting[:count]]
