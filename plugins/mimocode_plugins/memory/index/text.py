"""What the index sees of a text: stems without stop words, identifiers whole and in parts, pairs of CJK characters."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from unicodedata import normalize

from .stem import stem

STOP = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each few for from further had has have having he her here hers him his
    how i if in into is it its itself just me might more most must my no nor not now of off on once only or other our
    ours out over own same shall she should so some such than that the their theirs them then there these they this
    those through to too under until up us very was we were what when where which while who whom why will with would
    you your yours""".split()  # noqa: SIM905 - a list of 130 lines reads worse
)
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_TAIL = re.compile(r"\b(?:ca|wo|sha)n['\u2019]t\b|n['\u2019]t\b|['\u2019](?:s|m|re|ll|ve|d|t)\b", re.IGNORECASE)
"""What English hangs on its words; "Ann's" is about Ann."""
_WORD = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+(?:[-.][^\W{_CJK}]+)*")
_IS_CJK = re.compile(f"[{_CJK}]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\da-zA-Z_]+")
LONGEST = 64
"""Characters of a word that count."""


def words(text: str) -> list[str]:
    """The words of a text as they are looked up: lower case, identifiers whole and in their parts, stop words gone."""
    found: list[str] = []
    if not text.isascii():
        text = normalize("NFC", text)
    if "'" in text or "\u2019" in text:
        text = _TAIL.sub("", text)
    for word in _WORD.findall(text):
        found += _forms(word[:LONGEST])
    return found


def stems(text: str) -> list[str]:
    """The stems of a text: what the index holds."""
    return [stem(word) for word in words(text)]


MONTHS = "january february march april may june july august september october november december".split()  # noqa: SIM905
_MONTH = "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTHS)
_DAY = re.compile(
    rf"\b(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of)?\s+(?P<m1>{_MONTH})"
    rf"|(?P<m2>{_MONTH})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?|\d{{4}}-(?P<m3>\d\d)-(?P<d3>\d\d))\b",
    re.IGNORECASE,
)


def days(text: str) -> list[str]:
    """The days that a text names, as terms that stand for "on that day, in any year"."""
    found = list[str]()
    for hit in _DAY.finditer(text):
        name, day = hit["m1"] or hit["m2"], int(hit["d1"] or hit["d2"] or hit["d3"])
        month = MONTHS.index(next(m for m in MONTHS if m.startswith(name.lower()[:3]))) + 1 if name else int(hit["m3"])
        found.append(f"q0d{month:02}{day:02}")
    return found


@lru_cache(1024)
def dated(time: float) -> str:
    """The stems that a question may name a moment by: month and year, and the day as `days` has it."""
    try:
        at = datetime.fromtimestamp(time, UTC) if time else None
    except (OverflowError, ValueError, OSError):
        at = None
    return f"{at:%Y} {stem(MONTHS[at.month - 1])} q0d{at:%m%d}" if at else ""


@lru_cache(65536)
def _forms(word: str) -> tuple[str, ...]:
    if _IS_CJK.match(word):
        return tuple(word[at : at + 2] for at in range(len(word)))  # the last character stands alone as well
    low = _plain(word)
    if word.isalpha() and (word.islower() or word.istitle()):
        return () if low in STOP else (low,)
    parts = [_plain(part) for part in _PART.findall(word)]
    parts = [part for part in parts if part not in STOP]
    whole = re.sub(r"[\W_]", "_", low)
    return tuple(parts) if parts == [whole] or not whole.strip("_") else (whole, *parts)


def _plain(word: str) -> str:
    """Lower case without accents."""
    if word.isascii():
        return word.lower()
    # what a sign stands for may hold brackets and strokes, which are no part of a word: a circled 11 is "(11)"
    bare = "".join(c for c in normalize("NFKD", word.casefold()) if c.isalnum() or c in "_-.")
    return bare or word.lower()
