"""When text is not found: where something like it stands, so that the next attempt fits. Bounded in time."""

from __future__ import annotations

import difflib
import time
from collections import Counter, defaultdict

_SECONDS = 0.2
_EXCERPT = 2_000
_LINE = 300
_SAME = 40
"""Places of one line that are looked at; a lone brace stands everywhere."""


def nearest(text: str, wanted: str) -> str:
    """A sentence that shows the lines most like `wanted`, or nothing when there are none."""
    lines = text.split("\n")  # as read counts them
    sought = [line.strip() for line in wanted.strip("\r\n").split("\n")]
    start, equal = _by_equal_lines(lines, sought)
    if start is None:
        start = _by_similar_line(lines, sought)
    if start is None:
        return " Read the file again and copy the text exactly."
    excerpt = "\n".join(lines[start : start + len(sought)])[:_EXCERPT]
    hint = " It differs only in indentation or spaces." if equal == len(sought) else ""
    return f"{hint} The nearest text is at line {start + 1}:\n{excerpt}"


def _by_equal_lines(lines: list[str], sought: list[str]) -> tuple[int | None, int]:
    """Where most lines are the same but for the space around them."""
    wanted = {line for line in sought if line}
    where: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines):
        bare = line.strip()
        if bare in wanted and len(where[bare]) < _SAME:
            where[bare].append(number)
    votes: Counter[int] = Counter()
    for offset, line in enumerate(sought):
        votes.update(max(0, number - offset) for number in where.get(line, ()))
    if not votes:
        return None, 0
    start, count = max(votes.items(), key=lambda item: (item[1], -item[0]))
    return start, count + sum(not line for line in sought)


def _by_similar_line(lines: list[str], sought: list[str]) -> int | None:
    """Where the longest line has its closest relative."""
    offset, longest = max(enumerate(sought), key=lambda item: len(item[1]), default=(0, ""))
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(longest[:_LINE])
    best, found, deadline = 0.6, None, time.monotonic() + _SECONDS
    for number, line in enumerate(lines):
        if not line:
            continue
        if time.monotonic() > deadline:
            break
        matcher.set_seq1(line.strip()[:_LINE])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
            best, found = ratio, number
    return None if found is None else max(0, found - offset)
