"""What the index sees of a text: stems without stop words, identifiers whole and in parts, pairs of CJK characters."""

from __future__ import annotations

import re
from functools import lru_cache

from .stem import stem

STOP = frozenset(
    """a about above after again all also am an and any are as at be because been before being below between both but
    by can could did do does doing down during each few for from further had has have having he her here hers him his
    how i if in into is it its itself just me more most my no nor not now of off on once only or other our ours out
    over own same she should so some such than that the their theirs them then there these they this those through to
    too under until up us very was we were what when where which while who whom why will with would you your
    yours""".split()  # noqa: SIM905 - a list of 130 lines reads worse
)
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+(?:[-.][^\W{_CJK}]+)*")
_IS_CJK = re.compile(f"[{_CJK}]")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\da-zA-Z_]+")
LONGEST = 64
"""Characters of a word that count."""


def words(text: str) -> list[str]:
    """The words of a text as they are looked up: lower case, identifiers whole and in their parts, stop words gone."""
    found: list[str] = []
    for word in _WORD.findall(text):
        found += _forms(word[:LONGEST])
    return found


def stems(text: str) -> list[str]:
    """The stems of a text: what the index holds."""
    return [stem(word) for word in words(text)]


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
    import unicodedata

    bare = "".join(c for c in unicodedata.normalize("NFKD", word.lower()) if not unicodedata.combining(c))
    return bare or word.lower()
