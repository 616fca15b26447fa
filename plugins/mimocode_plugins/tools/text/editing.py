"""Change text in a file where it stands, and only there."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mimocode.errors import ToolFailed

from ..place import Place, show
from . import fuzzy
from .coding import Coding, coding_of, is_binary, line_ends, with_line_ends
from .ledger import Ledger
from .nearest import nearest
from .opening import open_file
from .saving import save

LARGEST = 32_000_000
"""Bytes of the largest file that is edited in memory."""


@dataclass(frozen=True)
class Change:
    """What a write or an edit did to a file."""

    path: Path
    before: str
    after: str
    created: bool = False
    places: int = 0
    note: str = ""


def write(place: Place, path: str, content: str, ledger: Ledger) -> Change:
    """Put `content` into a file, in the encoding and with the line ends that the file already has.

    Raises:
        ToolFailed: it could not be written; the file is unchanged.
    """
    named = place.find(path)
    file = place.target(named)
    with ledger.alone(file):
        data = load(file) if file.exists() else None
        coding, before, note = Coding(), "", ""
        if data is not None and not is_binary(data):
            coding = coding_of(data)
            before = coding.decode(data)
            if "\r\n" in before and "\r\n" not in content and before.count("\r\n") == before.count("\n"):
                content = with_line_ends(content, "\r\n")
        try:
            new = coding.encode(content)
        except ToolFailed:
            if coding.encoding != "latin-1":
                raise
            new, note = Coding().encode(content), "The file was Latin-1 and is now UTF-8."
        save(file, new)
        ledger.saw(file, new)
    return Change(named, before, content, created=data is None, note=note)


def edit(place: Place, path: str, old: str, new: str, everywhere: bool, ledger: Ledger) -> Change:
    """Replace `old` by `new` in a file; an empty `old` creates it.

    Raises:
        ToolFailed: `old` is not there exactly once (or at all), the file was not read or has changed since, or it
            could not be written; the file is unchanged.
    """
    if old == new:
        raise ToolFailed("old_string and new_string are the same: there is nothing to change.")
    named = place.find(path)
    file = place.target(named)
    with ledger.alone(file):
        if not old:
            return _create(named, file, new, ledger)
        data = load(file)
        if is_binary(data):
            raise ToolFailed(f"{show(named)} is a binary file; edit changes text only.")
        ledger.require(file, data)
        coding = coding_of(data)
        before = coding.decode(data)
        after, places, forgiven = replaced(before, old, new, everywhere, named)
        if after == before:
            raise ToolFailed("The edit would change nothing but line ends, which stay as they are in the file.")
        changed = coding.encode(after)
        save(file, changed)
        ledger.saw(file, changed)
    return Change(named, before, after, places=places, note=forgiven)


def edit_often(place: Place, path: str, edits: Sequence[tuple[str, str, bool]], ledger: Ledger) -> Change:
    """Make several replacements (old, new, everywhere) in one file, each in what the ones before it left; all or none.

    Raises:
        ToolFailed: as `edit`, naming the edit that does not fit; the file is unchanged.
    """
    if not edits:
        raise ToolFailed("edits is empty: there is nothing to change.")
    named = place.find(path)
    file = place.target(named)
    with ledger.alone(file):
        created = not edits[0][0] and not file.exists()
        data = b"" if created else load(file)
        if is_binary(data):
            raise ToolFailed(f"{show(named)} is a binary file; multiedit changes text only.")
        if data:
            ledger.require(file, data)
        coding = coding_of(data)
        before = after = coding.decode(data)
        places, notes = 0, list[str]()
        for number, (old, new, everywhere) in enumerate(edits, 1):
            try:
                after, count, forgiven = replaced(after, old, new, everywhere, named)
            except ToolFailed as failure:
                raise ToolFailed(f"Edit {number} of {len(edits)}: {failure} Nothing was changed.") from None
            places += count
            notes += [f"Edit {number}: {forgiven}"] * bool(forgiven)
        if after == before and not created:
            raise ToolFailed("Together the edits change nothing.")
        changed = coding.encode(after)
        save(file, changed)
        ledger.saw(file, changed)
    return Change(named, before, after, created, places, "; ".join(notes))


def replaced(text: str, old: str, new: str, everywhere: bool, named: Path) -> tuple[str, int, str]:
    """The text with `old` replaced by `new`, in how many places, and what was forgiven (usually nothing).

    An empty `old` stands for an empty text. When it is not there exactly, the one place that it can only mean is taken.

    Raises:
        ToolFailed: `old` is not there exactly once (or at all).
    """
    if old == new:
        raise ToolFailed("old_string and new_string are the same: there is nothing to change.")
    if not old:
        if text:
            raise ToolFailed(f"{show(named)} is not empty: give the text to replace as old_string.")
        return new, 1, ""
    spans = find_all(text, old)
    if not spans:
        flat = [with_line_ends(each, "\n") for each in (text, old, new)]
        if not everywhere and (meant := fuzzy.find(flat[0], flat[1], flat[2])):
            after = replace_spans(text, unflattened(text, [(meant.start, meant.end)]), meant.new)
            if after != text:
                return after, 1, meant.forgiven
        raise ToolFailed(f"old_string does not occur in {show(named)}.{nearest(text, old)}")
    if len(spans) > 1 and not everywhere:
        raise ToolFailed(
            f"old_string occurs {len(spans)} times in {show(named)}. "
            "Add surrounding lines until it is unique, or set replace_all."
        )
    return replace_spans(text, spans, new), len(spans), ""


def _create(named: Path, file: Path, content: str, ledger: Ledger) -> Change:
    exists = file.exists()
    if exists and load(file):
        raise ToolFailed(
            f"{show(named)} exists and is not empty. Give the text to replace as old_string, or replace all with write."
        )
    data = Coding().encode(content)
    save(file, data)
    ledger.saw(file, data)
    return Change(named, "", content, created=not exists, places=1)


def load(file: Path) -> bytes:
    """The whole content of a file that is small enough to be changed.

    Raises:
        ToolFailed: it is missing, too large or no regular file.
    """
    with open_file(file) as stream:
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ToolFailed(f"{show(file)} is larger than {LARGEST // 1_000_000} MB; change it with a command.")
    return data


def find_all(text: str, wanted: str) -> list[tuple[int, int]]:
    r"""Where `wanted` stands in `text`, as spans that do not overlap; "\n" and "\r\n" count as the same."""
    if "\r\n" not in text and "\r\n" not in wanted:
        return _spans(text, wanted)
    return unflattened(text, _spans(with_line_ends(text, "\n"), with_line_ends(wanted, "\n")))


def unflattened(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    r"""Spans of the text with "\n" for every "\r\n", as spans of the text itself."""
    returns = [match.start() for match in re.finditer("\r\n", text)]
    # Without the carriage returns, the k-th of these line ends stands k characters further left.
    shifted = [position - k for k, position in enumerate(returns)]
    return [(start + bisect_left(shifted, start), end + bisect_left(shifted, end)) for start, end in spans]


def _spans(text: str, wanted: str) -> list[tuple[int, int]]:
    found, at = [], text.find(wanted)
    while at >= 0:
        found.append((at, at + len(wanted)))
        at = text.find(wanted, at + len(wanted))
    return found


def replace_spans(text: str, spans: list[tuple[int, int]], new: str) -> str:
    """The text with each span replaced, the new lines ending as those around them do."""
    usual = line_ends(text)
    parts, at = [], 0
    for start, end in spans:
        replaced = text[start:end]
        ends = line_ends(replaced) if "\n" in replaced else usual
        parts += [text[at:start], with_line_ends(new, ends) if "\n" in new else new]
        at = end
    return "".join([*parts, text[at:]])
