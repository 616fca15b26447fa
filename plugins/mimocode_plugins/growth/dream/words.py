"""What two sentences have in common, without a model: the same, nearly the same, or one taking the other back."""

from __future__ import annotations

import re
from dataclasses import dataclass

STOP = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "of",
        "in",
        "on",
        "at",
        "to",
        "for",
        "from",
        "with",
        "and",
        "or",
        "as",
        "by",
        "we",
        "our",
        "us",
        "i",
        "you",
        "your",
        "they",
        "their",
        "he",
        "she",
        "has",
        "have",
        "had",
        "do",
        "does",
        "did",
        "so",
        "then",
        "there",
        "here",
        "which",
        "who",
        "what",
        "when",
        "where",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "might",
        "please",
        "also",
        "just",
        "very",
        "all",
        "any",
        "each",
        "per",
        "via",
        "into",
        "over",
        "remember",
        "note",
    ]
)
NEGATION = frozenset(
    """not never no don't doesn't won't can't cannot without avoid isn't aren't nicht nie niemals kein keine keinen
    keinem keiner ohne ne pas jamais sans aucun aucune nunca jamás sin não sem non mai senza не нет никогда нельзя
    без""".split()  # noqa: SIM905
)
DENIES = re.compile("[不别勿莫没別沒]|禁止|ない|ません|せず|않|말고|말 것|마세요|없|못|금지")
"""The same in scripts whose words do not stand apart."""
REPLACING = frozenset(
    [
        "now",
        "longer",
        "anymore",
        "instead",
        "since",
        "switched",
        "switch",
        "changed",
        "change",
        "moved",
        "move",
        "migrated",
        "migrate",
        "replaced",
        "replace",
        "renamed",
        "rename",
        "currently",
        "recently",
        "used",
    ]
)
ALIKE = 0.8
"""Share of words that two sentences have in common when they say the same."""
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
RUN = re.compile(f"[{_UNSPACED}]+")
"""Signs of scripts without spaces that follow each other."""
_WORD = re.compile(rf"[{_UNSPACED}]+|(?:(?![{_UNSPACED}])[\w'@./:-])*(?![{_UNSPACED}])\w")
_CODE = re.compile(r"`([^`]+)`")
TAKES_BACK = re.compile(
    r"\b(?:now|no longer|not any ?more|instead|switched|changed to|moved to|migrated|replaced|renamed|stopped"
    r"|jetzt|nun|nicht mehr|stattdessen|umgestellt|désormais|maintenant|ne plus|ahora|ya no)\b"
    r"|现在|現在|改为|改成|换成|不再|今は|になった|이제",
    re.I,
)
ENDED = re.compile(r"\b(?:no longer|not any ?more|stopped|anymore|nicht mehr|kein\w* mehr|ya no)\b|不再", re.I)
_TELLS = re.compile(
    r"^(?:always|never|do|don't|run|use|execute|install|make sure|you (?:must|should|need)|please|remember|from now on|"
    r"before|after|when|whenever|if|call|send|fetch|download|add|append|open)\b|\b(?:must|should|always|never)\b",
    re.IGNORECASE,
)


def tells(text: str) -> bool:
    """Whether a sentence tells somebody to do something."""
    return bool(_TELLS.search(text.strip()))


@dataclass(frozen=True)
class Gist:
    """A sentence taken apart: its words, its values (numbers and code), and whether it denies something."""

    words: frozenset[str]
    values: frozenset[str]
    denies: bool
    text: str = ""

    @property
    def all(self) -> frozenset[str]:
        """Words and values."""
        return self.words | self.values


def gist(text: str) -> Gist:
    """Take a sentence apart."""
    code = frozenset(" ".join(each.split()) for each in _CODE.findall(text))
    found = _WORD.findall(_CODE.sub(" ", text))
    tokens = [part for word in found for part in (_pairs(word) if RUN.match(word) else [word.strip("'./:-").lower()])]
    values = frozenset(word for word in tokens if any(c.isdigit() for c in word) or "/" in word or "@" in word)
    said = frozenset(stem(word) for word in tokens if word and word not in STOP | NEGATION and word not in values)
    denies = any(word in NEGATION for word in tokens) or bool(DENIES.search(text))
    return Gist(said, values | code, denies, text)


def _pairs(run: str) -> list[str]:
    """Signs that follow each other, two by two: what scripts without spaces have for words."""
    return [run[at : at + 2] for at in range(max(len(run) - 1, 1))]


def stem(word: str) -> str:
    """A word without its most common endings."""
    for end in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(end) and len(word) - len(end) >= 3:
            return word[: -len(end)] + ("y" if end == "ies" else "")
    return word


def same(one: Gist, other: Gist) -> bool:
    """Whether two sentences say the same: nearly the same words, the same values, both or neither denying."""
    if one.values != other.values or one.denies != other.denies or not one.all or not other.all:
        return False
    return len(one.all & other.all) >= ALIKE * len(one.all | other.all)


def takes_back(new: Gist, old: Gist) -> bool:
    """Whether the newer sentence says that the older one holds no more, in so many words.

    Only what speaks of the same thing with another value or the opposite, and says so ("now", "no longer", "instead"),
    or denies exactly what was said. Two values without such a word may both be true.
    """
    mine, theirs = new.words - REPLACED, old.words - REPLACED
    if len(mine) < 2 and not (new.values & old.values):
        return False
    if ENDED.search(new.text) and not ENDED.search(old.text):
        return new.values <= old.values and mine <= theirs
    if mine != theirs:
        return False
    if new.denies != old.denies:
        return new.values == old.values
    return new.values != old.values and bool(new.values) and bool(TAKES_BACK.search(new.text))


REPLACED = frozenset(map(stem, REPLACING))


def grounded(text: str, source: str, share: float = ALIKE) -> bool:
    """Whether a text says hardly anything that its source does not; it may not turn a denial round or add values."""
    mine, theirs = gist(text), gist(source)
    if not mine.all or mine.denies != theirs.denies or not mine.values <= theirs.all | theirs.values:
        return False
    return len(mine.words & theirs.words) >= share * len(mine.words)
