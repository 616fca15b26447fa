"""MEMORY.md as lines: what stays keeps its line byte for byte, what goes is cut out, what is new joins its section."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .claims import Change, Claim

if TYPE_CHECKING:
    from ..ports import Memory

LINES, BYTES = 200, 10_000
"""What MEMORY.md may have of claims at most (runtime.md 9.3); `budget` of the memory counts as well."""
LAST = "Discovered durable knowledge"
FIRST = ("Rules", "Project context", "Architecture decisions")
"""Sections that keep their place when room is short."""
_MARK = re.compile(r"(?<![ \t])[ \t]*<!--.*?-->")


def rendered(text: str, before: Mapping[int, Claim], claims: Sequence[Claim], memory: Memory) -> str:
    """The file with exactly these claims.

    Args:
        before: the claims that the text has, by line.
    """
    after = {claim.line: claim for claim in claims if claim.line}
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if number not in before:
            lines.append(memory.redact(line)[0])
        elif (claim := after.get(number)) is None:
            continue
        elif claim == before[number]:
            lines.append(line)
        elif claim.by_hand:
            lines.append(memory.redact(line)[0])
        else:
            lines.append(memory.line(claim.raw))
    for claim in claims:
        if not claim.line:
            _put(lines, claim.section or LAST, memory.line(claim.raw))
    return "\n".join(_tidy(lines)).rstrip() + "\n"


def _put(lines: list[str], section: str, line: str) -> None:
    heads = [at for at, each in enumerate(lines) if each.startswith("## ")]
    start = next((at for at in heads if lines[at].lstrip("# ").lower() == section.lower()), None)
    if start is None:
        lines += ["", f"## {section}", line]
        return
    end = next((at for at in heads if at > start), len(lines))
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, line)


def _tidy(lines: Sequence[str]) -> list[str]:
    """Without "(none yet)" beside a claim, and with one blank line where there were several."""
    kept: list[str] = []
    for at, line in enumerate(lines):
        if line.strip() == "(none yet)":
            rest = [each for each in lines[at + 1 :] if each.strip()]
            if rest and not rest[0].startswith("#"):
                continue
        if not line.strip() and kept and not kept[-1].strip():
            continue
        kept.append(line)
    return kept


def over(text: str, memory: Memory) -> bool:
    """Whether a file says more than a session is told."""
    told = memory.told(text)
    return memory.size(told) > memory.budget or len(told.encode()) > BYTES or len(told.splitlines()) > LINES


def spared(
    text: str, before: Mapping[int, Claim], claims: list[Claim], memory: Memory
) -> tuple[list[Claim], list[Claim], list[Change]]:
    """The claims that fit, those that move to another file, and a word on each: the oldest knowledge moves first."""
    queue = sorted(
        (claim for claim in claims if not claim.by_hand),
        key=lambda c: (c.section in FIRST, c.status == "confirmed", c.time),
    )

    def left(count: int) -> list[Claim]:
        gone = set(queue[:count])
        return [claim for claim in claims if claim not in gone]

    few = 0
    many = len(queue) if over(rendered(text, before, claims, memory), memory) else 0
    while few < many:  # the fewest that have to go
        middle = (few + many) // 2
        if over(rendered(text, before, left(middle), memory), memory):
            few = middle + 1
        else:
            many = middle
    why = "MEMORY.md is full; it is found by searching"
    return left(few), queue[:few], [Change("moved", claim.text, why) for claim in queue[:few]]


def plain(text: str) -> list[str]:
    """The lines of a file as people read them."""
    return [_MARK.sub("", line) for line in text.splitlines()]
