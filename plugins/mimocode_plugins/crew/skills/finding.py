"""Find a skill for what somebody wants to do: by name, then by the words that its description shares (surface.md 6)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from .reading import Skill

MOST = 5
_WORD = re.compile(r"[a-z0-9]+|[^\x00-\x7f]")
STOP = frozenset(
    "a an and are as at be by do for from how i in is it of on or that the this to use what when with".split()  # noqa: SIM905
)


def find(query: str, skills: Sequence[Skill]) -> list[Skill]:
    """The skills that fit best, best first; none if nothing fits."""
    wanted = _words(query)
    papers = [Counter(_words(f"{s.name} {s.name} {' '.join(s.aliases)} {s.description}")) for s in skills]
    common = Counter(word for paper in papers for word in paper)
    scored = []
    for skill, paper in zip(skills, papers, strict=True):
        score = sum(_weight(word, paper, common, len(papers)) for word in set(wanted))
        if skill.name in query.lower().split() or skill.name == query.strip().lower():
            score += 100
        if score > 0:
            scored.append((-score, skill.name, skill))
    return [skill for *_, skill in sorted(scored, key=lambda row: row[:2])[:MOST]]


def _weight(word: str, paper: Counter[str], common: Counter[str], size: int) -> float:
    """BM25 without a length term: descriptions are all short."""
    if not paper[word]:
        return 0.0
    rarity = math.log(1 + (size - common[word] + 0.5) / (common[word] + 0.5))
    return rarity * paper[word] * 2.2 / (paper[word] + 1.2)


def _words(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in STOP]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
