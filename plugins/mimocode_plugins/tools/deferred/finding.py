"""Find tools for what somebody wants to do: by their names, else by the words that they share with the question."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from mimocode.messages import ToolSpec

_WORD = re.compile(r"[a-z0-9]+|[^\x00-\x7f]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STOP = re.compile(
    r"an?|and|any|are|as|at|be|by|can|do|for|from|get|how|i|in|is|it|me|my|of|on|or|please|some|that|the|this|to|tools?|"
    r"use|want|what|when|which|with"
)
_NAME, _REST = 4, 1
"""How much a word counts in a name, and elsewhere."""
_SHARE = 0.5
"""What scores less than this share of the best is left out."""


def find(query: str, tools: Sequence[ToolSpec], most: int) -> list[ToolSpec]:
    """Those whose names are said; else those that fit best, best first, `most` of them; none if nothing fits."""
    said = set(re.findall(r"[\w-]+", query))
    if named := [tool for tool in tools if tool.name in said]:
        return named[:most]
    papers = [_paper(tool) for tool in tools]
    common = Counter(word for paper in papers for word in paper)
    wanted = set(_words(query))
    scores = [sum(_weight(word, paper, common, len(papers)) for word in wanted) for paper in papers]
    best = max(scores, default=0.0)
    order = sorted(range(len(tools)), key=lambda n: (-scores[n], tools[n].name))
    return [tools[n] for n in order if scores[n] > 0 and scores[n] >= best * _SHARE][:most]


def _paper(tool: ToolSpec) -> Counter[str]:
    paper: Counter[str] = Counter()
    arguments = tool.schema.get("properties")
    rest = " ".join([tool.description[:1000], *(arguments if isinstance(arguments, dict) else ())])
    for text, weight in ((tool.name, _NAME), (rest, _REST)):
        for word in set(_words(text)):
            paper[word] += weight
    return paper


def _weight(word: str, paper: Counter[str], common: Counter[str], size: int) -> float:
    """BM25 without a length term."""
    if not paper[word]:
        return 0.0
    rarity = math.log(1 + (size - common[word] + 0.5) / (common[word] + 0.5))
    return rarity * paper[word] * 2.2 / (paper[word] + 1.2)


def _words(text: str) -> list[str]:
    lower = _HUMP.sub(" ", text).replace("_", " ").lower()
    return [_stem(word) for word in _WORD.findall(lower) if not _STOP.fullmatch(word)]


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
