"""Changes one value of a settings file; comments, order and every other byte stay as they are.

The packages that do this were looked at: one drives a JavaScript parser through Node, one calls itself unfinished, one
writes values in its own layout. What is needed is a page of code over the reader of settings files (`jsonc`).
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimocode.errors import SettingsError

from . import jsonc

_DECODER = json.JSONDecoder()
_BLANK = re.compile(r"[ \t\r\n]*")
_REST = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/[ \t]*)?(?=\r?\n|\Z)")
NAMES = ("mimocode.jsonc", "mimocode.json", "config.json")
"""Files of a folder that are changed, the first that is there (surface.md 3.1)."""


@dataclass(frozen=True)
class SettingsFile:
    """One settings file that the user may have, or may get by the first change."""

    path: Path

    @classmethod
    def of(cls, folder: Path) -> SettingsFile:
        """The file of a folder: the one that is there, else the usual name."""
        found = [folder / name for name in NAMES if (folder / name).is_file()]
        return cls(found[0] if found else folder / NAMES[0])

    def text(self) -> str:
        """What stands in it.

        Raises:
            SettingsError: it cannot be read.
        """
        try:
            return self.path.read_bytes().decode("utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            return ""
        except OSError as error:
            raise SettingsError(f"cannot be read: {error.strerror}", str(self.path)) from None
        except UnicodeDecodeError:
            raise SettingsError("this is not UTF-8 text", str(self.path)) from None

    def value(self, keys: Sequence[str]) -> Any:
        """What it says under these keys, references as they are written; None when it says nothing.

        Raises:
            SettingsError: it makes no sense.
        """
        found: Any = _parsed(self.text(), str(self.path))
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def put(self, keys: Sequence[str], value: Any) -> None:
        """Set a value.

        Raises:
            SettingsError: the file makes no sense or cannot be written.
        """
        self.replace(put(self.text(), keys, value, str(self.path)))

    def drop(self, keys: Sequence[str]) -> bool:
        """Take a value out; False if it is not there.

        Raises:
            SettingsError: the file makes no sense or cannot be written.
        """
        before = self.text()
        after = drop(before, keys, str(self.path))
        if after != before:
            self.replace(after)
        return after != before

    def replace(self, text: str) -> None:
        """Write the whole in one step; a link stays a link, and the mode is kept.

        Raises:
            SettingsError: it cannot be written.
        """
        path = Path(os.path.realpath(self.path))
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise SettingsError(f"cannot be written: {error.strerror}", str(self.path)) from None
        finally:
            draft.unlink(missing_ok=True)


def put(text: str, keys: Sequence[str], value: Any, where: str = "") -> str:
    """The text with a value set; objects on the way there are made.

    Raises:
        SettingsError: the text makes no sense.
    """
    text = text if text.strip() else "{}\n"
    wanted = _with(_parsed(text, where), keys, value)
    after = _put(text, keys, value)
    return _sure(after, wanted, where)


def drop(text: str, keys: Sequence[str], where: str = "") -> str:
    """The text without a value; the same text if it is not there.

    Raises:
        SettingsError: the text makes no sense.
    """
    wanted = _without(_parsed(text, where), keys)
    seen = _Seen(text)
    at = seen.root
    for key in keys[:-1]:
        found = [member for member in seen.members(at) if member.key == key]
        if not found or text[found[-1].at] != "{":
            return text
        at = found[-1].at
    for member in [each for each in seen.members(at) if each.key == keys[-1]][::-1]:
        text = seen.cut(at, member)
        seen = _Seen(text)
    return _sure(text, wanted, where)


@dataclass(frozen=True)
class _Member:
    """One `"key": value`: where the key begins, where the value begins and ends."""

    key: str
    start: int
    at: int
    end: int


class _Seen:
    """A text of which every place is known: `bare` is plain JSON of the same length, `commas` has those at ends too."""

    def __init__(self, text: str) -> None:
        self.text = text
        same = jsonc.same_length(text)
        self.bare, self.commas = jsonc.plain(same), jsonc.uncommented(same)
        self.root = _skip(self.bare, 0)
        self.newline = "\r\n" if "\r\n" in text else "\n"

    def members(self, at: int) -> Iterator[_Member]:
        at = _skip(self.bare, at + 1)
        while self.bare[at] != "}":
            start = at
            key, at = _DECODER.raw_decode(self.bare, at)
            at = _skip(self.bare, _skip(self.bare, at) + 1)
            _, end = _DECODER.raw_decode(self.bare, at)
            yield _Member(key, start, at, end)
            at = _skip(self.bare, end)
            at = _skip(self.bare, at + 1) if self.bare[at] == "," else at

    def indent(self, at: int) -> str:
        """The white space that the line of a place begins with."""
        line = self.text[self.text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def added(self, at: int, key: str, value: Any) -> str:
        """The text with one more member in the object at a place."""
        known = list(self.members(at))
        end = self.closing(at)
        inline = bool(known) and "\n" not in self.text[at:end]
        outer = self.indent(at)
        first = known[0] if known else None
        inner = self.indent(first.start) if first and "\n" in self.text[at : first.start] else outer + self.unit()
        shown = json.dumps(value, ensure_ascii=False) if inline else _rendered(value, inner, self)
        made = f"{json.dumps(key, ensure_ascii=False)}: {shown}"
        before, after = self.text[:end].rstrip(), self.text[end:]
        if known and "," not in self.commas[known[-1].end : end]:
            before = f"{self.text[: known[-1].end]},{before[known[-1].end :]}"
        if inline:
            return f"{before} {made}{' ' if self.text[end - 1] == ' ' else ''}{after}"
        return f"{before}{self.newline}{inner}{made}{self.newline}{outer}{after}"

    def closing(self, at: int) -> int:
        """Where the object that begins at a place ends: at its brace."""
        return _DECODER.raw_decode(self.bare, at)[1] - 1

    def unit(self) -> str:
        """What one level is indented by."""
        first = next(self.members(self.root), None)
        found = self.indent(first.start) if first and "\n" in self.text[self.root : first.start] else ""
        return found or "  "

    def cut(self, at: int, member: _Member) -> str:
        """The text without a member of the object at a place."""
        known = list(self.members(at))
        place = known.index(member)
        start, end = member.start, member.end
        comma = _skip(self.commas, end)
        text, followed = self.text, place + 1 < len(known)
        if self.commas[comma] == ",":
            end = comma + 1
        line = text.rfind("\n", 0, start) + 1
        alone = _REST.match(text, end)
        if alone and not text[line:start].strip() and "\n" in text[at:line]:
            start, end = line, min(alone.end() + len(self.newline), len(text))
        elif followed:
            end = known[place + 1].start
        elif "\n" not in text[at:end]:
            start = len(text[:start].rstrip(" \t"))
        kept = text[:start] + text[end:]
        if not followed and place and self.commas[comma] != ",":
            gone = self.commas.index(",", known[place - 1].end)
            kept = kept[:gone] + kept[gone + 1 :]
        return kept


def _put(text: str, keys: Sequence[str], value: Any) -> str:
    seen = _Seen(text)
    at = seen.root
    for depth, key in enumerate(keys):
        rest: Any = value
        for inner in reversed(keys[depth + 1 :]):
            rest = {inner: rest}
        found = [member for member in seen.members(at) if member.key == key]
        if not found:
            return seen.added(at, key, rest)
        at = found[-1].at
        if depth + 1 == len(keys) or seen.bare[at] != "{":
            return text[:at] + _rendered(rest, seen.indent(found[-1].start), seen) + text[found[-1].end :]
    raise ValueError("no keys")


def _rendered(value: Any, indent: str, seen: _Seen) -> str:
    return json.dumps(value, indent=seen.unit(), ensure_ascii=False).replace("\n", seen.newline + indent)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _parsed(text: str, where: str) -> dict[str, Any]:
    value = jsonc.parse(jsonc.quote_references(text), where) if text.strip() else {}
    if not isinstance(value, dict):
        raise SettingsError("settings are one JSON object in braces", where)
    return value


def _sure(text: str, wanted: dict[str, Any], where: str) -> str:
    """The text, if it says what it should: nobody's file is spoilt by a case that was not thought of."""
    if _parsed(text, where) != wanted:
        raise SettingsError("this file cannot be changed automatically; do it by hand", where)
    return text


def _with(table: dict[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    if not keys:
        raise SettingsError("name a key")
    inner = table.get(keys[0])
    below = inner if isinstance(inner, dict) else {}
    return {**table, keys[0]: value if len(keys) == 1 else _with(below, keys[1:], value)}


def _without(table: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    if not keys:
        raise SettingsError("name a key")
    if len(keys) == 1:
        return {key: value for key, value in table.items() if key != keys[0]}
    inner = table.get(keys[0])
    return {**table, keys[0]: _without(inner, keys[1:])} if isinstance(inner, dict) else table
