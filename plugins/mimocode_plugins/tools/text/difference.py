"""What changed between two texts, for the screen; bounded in time and size, however long the texts are."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import takewhile

_CONTEXT = 3
_COMPARE = 2_000
"""Changed lines on either side up to which lines are paired; beyond, the block counts as replaced."""
_SHOWN = 30_000
"""Characters of a diff that are handed over."""


@dataclass(frozen=True)
class Difference:
    """A unified diff and its counts of lines."""

    text: str
    additions: int
    deletions: int


def difference(before: str, after: str, name: str) -> Difference:
    """Compare two versions of a file; `name` goes into the header."""
    old, new = _lines(before), _lines(after)
    # The equal start and end are usually nearly everything: leaving them out keeps the comparison short.
    start = sum(1 for _ in takewhile(bool, map(str.__eq__, old, new)))
    tail = zip(reversed(old[start:]), reversed(new[start:]), strict=False)
    end = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], tail))
    skip, end = max(0, start - _CONTEXT), max(0, end - _CONTEXT)
    a, b = old[skip : len(old) - end], new[skip : len(new) - end]
    if max(len(a), len(b)) > _COMPARE:
        groups = [[("replace", 0, len(a), 0, len(b))]]
    else:
        groups = [list(group) for group in difflib.SequenceMatcher(None, a, b).get_grouped_opcodes(_CONTEXT)]
    lines: list[str] = [f"--- a/{name}", f"+++ b/{name}"]
    added = removed = 0
    for group in groups:
        _, a1, _, b1, _ = group[0]
        _, _, a2, _, b2 = group[-1]
        lines.append(f"@@ -{skip + a1 + 1},{a2 - a1} +{skip + b1 + 1},{b2 - b1} @@")
        for what, i1, i2, j1, j2 in group:
            if what == "equal":
                lines += [" " + line.rstrip("\r\n") for line in a[i1:i2]]
                continue
            lines += ["-" + line.rstrip("\r\n") for line in a[i1:i2]]
            lines += ["+" + line.rstrip("\r\n") for line in b[j1:j2]]
            removed, added = removed + i2 - i1, added + j2 - j1
    text = "\n".join(lines) if groups else ""
    return Difference(text if len(text) <= _SHOWN else text[:_SHOWN] + "\n... (the rest is not shown)", added, removed)


def _lines(text: str) -> list[str]:
    """Lines with their ends. Only line feeds count, as for `read`; `str.splitlines` knows many more."""
    *whole, last = text.split("\n")
    return [f"{line}\n" for line in whole] + [last] * bool(last)
