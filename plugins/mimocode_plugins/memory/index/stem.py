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


_IRREGULAR = {
    form: base
    for line in """be been|am|is|are|was|were;become became;begin began|begun;bite bit|bitten;blow blew|blown
break broke|broken;bring brought;build built;buy bought;catch caught;choose chose|chosen;come came;deal dealt;dig dug
draw drew|drawn;drink drank|drunk;drive drove|driven;eat ate|eaten;fall fell|fallen;feed fed;feel felt;fight fought
find found;fly flew|flown;forget forgot|forgotten;forgive forgave|forgiven;freeze froze|frozen;get got|gotten
give gave|given;go went|gone;grow grew|grown;hang hung;hear heard;hide hid|hidden;hold held;keep kept;know knew|known
lead led;learn learnt;leave left;lend lent;lose lost;make made;mean meant;meet met;pay paid;ride rode|ridden
ring rang|rung;rise rose|risen;run ran;say said;see saw|seen;sell sold;send sent;shake shook|shaken;shoot shot
show shown;sing sang|sung;sink sank|sunk;sit sat;sleep slept;speak spoke|spoken;spend spent;stand stood
steal stole|stolen;stick stuck;strike struck;swim swam|swum;swing swung;take took|taken;teach taught;tear tore|torn
tell told;think thought;throw threw|thrown;understand understood;wake woke|woken;wear wore|worn;win won
write wrote|written;child children;person people;man men;woman women;foot feet;mouse mice;life lives;wife wives
tooth teeth;index indices;criterion criteria""".replace("\n", ";").split(";")
    for base, forms in [line.split(" ")]
    for form in forms.split("|")
}
"""Forms that no rule finds, of words that are common in what people tell."""


@lru_cache(65536)
def stem(word: str) -> str:
    """The stem of a lower-case word."""
    if not _PLAIN.fullmatch(word):
        return word
    word = _IRREGULAR.get(word, word)
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
