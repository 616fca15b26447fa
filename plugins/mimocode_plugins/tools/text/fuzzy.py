r"""Text that is meant but not copied exactly: found when only its form differs, and only if there is one such place.

Each rung of the ladder forgives one kind of slip that models are known to make: line numbers copied from a read,
`\n` written out, typographic quotes, blank lines around, spaces at the ends of lines, indentation, spaces between
words. Different words are never forgiven: what is replaced would then be something that the model has not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_NUMBER = re.compile(r"[ \t]*\d+: ?")
_ESCAPE = re.compile(r"\\([nrt\"'`\\])")
_MEANT = {"n": "\n", "r": "\r", "t": "\t"}
_PLAIN = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014\u2212\u00a0\u202f", "''\"\"---  ")  # one for one


@dataclass(frozen=True)
class Match:
    """The one place that is meant: where it stands, what it becomes, and what was forgiven."""

    start: int
    end: int
    new: str
    forgiven: str


def find(text: str, old: str, new: str) -> Match | None:
    r"""The place that `old` means in `text`, both with "\n" as line ends; None if no rung finds exactly one."""
    if not old.strip():
        return None
    for rung in (_rewritten, _plain, _by_lines):
        for match in rung(text, old, new):
            return match
    return None


def _rewritten(text: str, old: str, new: str) -> Iterator[Match]:
    """Slips in how both texts were written down: undone in both, what is left must be there exactly once."""
    bare = _unnumbered(old)
    if bare and bare.strip() and _once(text, bare, lines=True):
        at, meant = text.index(bare), _unnumbered(new)
        if meant is not None or not any(map(_NUMBER.match, new.split("\n"))):
            why = "the line numbers that read shows were part of it"
            yield Match(at, at + len(bare), new if meant is None else meant, why)
    kinds = frozenset(_ESCAPE.findall(old))
    if kinds and (wanted := _unescaped(old, kinds)).strip() and _once(text, wanted):
        at = text.index(wanted)
        why = "its line ends, tabs or quotes were written as escapes"
        yield Match(at, at + len(wanted), _unescaped(new, kinds), why)
    bare = old.strip("\n")
    if bare != old and _once(text, bare, lines=True):
        at, before = text.index(bare), len(old) - len(old.lstrip("\n"))
        after = len(old) - before - len(bare)
        why = "it had line ends around it that the file has not"
        yield Match(at, at + len(bare), _within(new, before, after), why)


def _once(text: str, wanted: str, lines: bool = False) -> bool:
    """Whether it is there exactly once, and (with `lines`) begins and ends with a line."""
    if text.count(wanted) != 1:
        return False
    at = text.index(wanted)
    return not lines or (text[at - 1 : at] in ("", "\n") and text[at + len(wanted) :][:1] in ("", "\n"))


def _plain(text: str, old: str, new: str) -> Iterator[Match]:
    """Quotes, dashes and spaces of typographers: compared in plain form, which has the same length."""
    flat, wanted = text.translate(_PLAIN), old.translate(_PLAIN)
    if (flat, wanted) != (text, old) and flat.count(wanted) == 1:
        at, first, last = flat.index(wanted), *_same(old, new)
        why = "quotes, dashes or spaces are other characters in the file"
        yield Match(at + first, at + len(old) - last, new[first : len(new) - last], why)


def _same(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """How much is the same at the start and at the end of both: that stays as the file has it."""
    most = min(len(old), len(new))
    first = next((n for n in range(most) if old[n] != new[n]), most)
    last = next((n for n in range(most - first) if old[-1 - n] != new[-1 - n]), most - first)
    return first, last


def _by_lines(text: str, old: str, new: str) -> Iterator[Match]:
    """Whole lines whose words are the same."""
    lines, sought = text.split("\n"), old.removesuffix("\n").split("\n")
    for why, key in (
        ("spaces at the ends of lines differ", str.rstrip),
        ("the indentation differs", str.strip),
        ("spaces between words differ", lambda line: " ".join(line.split())),
    ):
        places = _windows([key(line) for line in lines], [key(line) for line in sought])
        if len(places) == 1 and (found := _fitted(lines, places[0], sought, old.endswith("\n"), new)):
            yield Match(*found, why)
        if places:
            return  # more places of the same form: nobody knows which is meant


def _fitted(lines: list[str], at: int, sought: list[str], whole: bool, new: str) -> tuple[int, int, str] | None:
    """Where the lines that differ stand and what they become; None when that cannot be told."""
    found = lines[at : at + len(sought)]
    if whole and (at + len(sought) == len(lines) or (new and not new.endswith("\n"))):
        return None
    wanted = new.removesuffix("\n").split("\n") if new or not whole else []
    first, last = _same(sought, wanted)
    if not last and not whole and first and first in (len(sought), len(wanted)):
        first -= 1  # with nothing after it, a line goes together with the one before
    indented = _indented(wanted[first : len(wanted) - last], sought, found)
    if indented is None:
        return None
    ended = whole or last > 0
    start = sum(len(line) + 1 for line in lines[: at + first])
    end = start + sum(len(line) + 1 for line in found[first : len(found) - last]) - (not ended)
    return start, end, "\n".join(indented) + "\n" * (ended and bool(indented))


def _windows(lines: list[str], sought: list[str]) -> list[int]:
    """Where the sought lines stand, one after the other."""
    first = max(range(len(sought)), key=lambda n: len(sought[n]))  # the longest is the rarest
    places = (n - first for n, line in enumerate(lines) if line == sought[first])
    return [at for at in places if at >= 0 and lines[at : at + len(sought)] == sought]


def _indented(new: list[str], sought: list[str], found: list[str]) -> list[str] | None:
    """The new lines with the indentation of the file; None when it cannot be told."""
    shifts: dict[str, str] = {}
    unsure: set[str] = set()  # one indentation of the model's stands for two in the file
    for meant, there in zip(sought, found, strict=True):
        if meant.strip() and shifts.setdefault(_indent(meant), _indent(there)) != _indent(there):
            unsure.add(_indent(meant))
    made: list[str] = []
    for line in new:
        if line.strip() and _indent(line) in unsure:
            return None
        shift = _shifted(_indent(line), shifts) if line.strip() else ""
        if shift is None:
            return None
        made.append(shift + line.lstrip() if line.strip() else line)
    return made


def _shifted(indent: str, shifts: dict[str, str]) -> str | None:
    """The file's indentation for one of the model's: the same, or the nearest known one and what goes beyond it."""
    if indent in shifts:
        return shifts[indent]
    known = max((one for one in shifts if indent.startswith(one)), key=len, default=None)
    if known is None:
        least = min(shifts, key=len)
        added = shifts[least].removesuffix(least) if shifts[least].endswith(least) else None
        return None if added is None else added + indent
    beyond = indent[len(known) :]
    if "\t" in shifts[known] and "\t" not in indent:
        unit = _unit(shifts)
        return shifts[known] + "\t" * (len(beyond) // unit) if unit and len(beyond) % unit == 0 else None
    if "\t" in beyond and "\t" not in shifts[known]:
        unit = _unit({there: meant for meant, there in shifts.items()})
        return shifts[known] + " " * unit * len(beyond) if unit else None
    return shifts[known] + beyond


def _unit(shifts: dict[str, str]) -> int:
    """How many spaces on the left stand for one tab on the right; 0 when they do not agree."""
    units = {len(spaces) / len(tabs) for spaces, tabs in shifts.items() if tabs and set(tabs) == {"\t"}}
    return int(units.pop()) if len(units) == 1 and all(unit == int(unit) > 0 for unit in units) else 0


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _within(new: str, before: int, after: int) -> str:
    """The new text without the blank lines that it has around it as the old one had."""
    for _ in range(before):
        new = new.removeprefix("\n")
    for _ in range(after):
        new = new.removesuffix("\n")
    return new


def _unnumbered(text: str) -> str | None:
    lines = text.split("\n")
    full = [line for line in lines if line.strip()]
    if not full or not all(_NUMBER.match(line) for line in full):
        return None
    numbers = [int(re.findall(r"\d+", line)[0]) for line in full]
    if any(b <= a for a, b in pairwise(numbers)):
        return None
    return "\n".join(_NUMBER.sub("", line, count=1) for line in lines)


def _unescaped(text: str, kinds: frozenset[str]) -> str:
    """The text with escapes of these kinds undone, of others left alone."""
    return _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]) if found[1] in kinds else found[0], text)
