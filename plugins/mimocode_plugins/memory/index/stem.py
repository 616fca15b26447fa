"""Porter's stemmer: brings the forms of an English word together (M. F. Porter, 1980, "An algorithm for suffix
stripping"). Words that are not plain lower-case ASCII letters stay as they are."""

from __future__ import annotations

import re
from functools import lru_cache

_C, _V = "[^aeiou][^aeiouy]*", "[aeiouy][aeiou]*"
_M0 = re.compile(f"^(?:{_C})?{_V}{_C}")
_M1 = re.compile(f"^(?:{_C})?{_V}{_C}(?:{_V})?$")
_M2 = re.compile(f"^(?:{_C})?{_V}{_C}{_V}{_C}")
_HAS_VOWEL = re.compile(f"^(?:{_C})?{_V}")
_CVC = re.compile(f"^{_C}[aeiouy][^aeiouwxy]$")
_PLAIN = re.compile(r"[a-z]{3,}")

_SECOND = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble", "alli": "al",
    "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate", "ator": "ate", "alism": "al",
    "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al", "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
_THIRD = {"icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": ""}
_FOURTH = (
    "al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize".split()  # noqa: SIM905
)
_2ND, _3RD, _4TH = (
    re.compile(f"^(.+?)({'|'.join(sorted(ends, key=len, reverse=True))})$") for ends in (_SECOND, _THIRD, _FOURTH)
)


@lru_cache(65536)
def stem(word: str) -> str:
    """The stem of a lower-case word."""
    if not _PLAIN.fullmatch(word):
        return word
    starts_y = word[0] == "y"
    word = "Y" + word[1:] if starts_y else word
    word = _suffixes(_endings(_past(_plural(word))))
    return word.lower()


def _plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _M0.match(word[:-3]) else word
    for end in ("ed", "ing"):
        if word.endswith(end) and _HAS_VOWEL.match(root := word[: -len(end)]):
            if root.endswith(("at", "bl", "iz")):
                return root + "e"
            if re.search(r"([^aeiouylsz])\1$", root):
                return root[:-1]
            return root + "e" if _CVC.match(root) else root
    return word


def _endings(word: str) -> str:
    if word.endswith("y") and _HAS_VOWEL.match(word[:-1]):
        word = word[:-1] + "i"
    for pattern, ends in ((_2ND, _SECOND), (_3RD, _THIRD)):
        if (found := pattern.match(word)) and _M0.match(found[1]):
            word = found[1] + ends[found[2]]
    return word


def _suffixes(word: str) -> str:
    if found := _4TH.match(word):
        root, end = found.groups()
        if _M2.match(root) and (end != "ion" or root[-1] in "st"):
            word = root
    if word.endswith("e"):
        root = word[:-1]
        if _M2.match(root) or (_M1.match(root) and not _CVC.match(root)) or _long(root):
            word = root
    return word[:-1] if word.endswith("ll") and _M2.match(word) else word


def _long(root: str) -> bool:
    return bool(_M0.match(root)) and not _M1.match(root)
