"""JSON with comments and trailing commas, and the lines its keys stand on.

Comments and trailing commas are overwritten with spaces and the standard parser does the rest, so that its line and
column are those of the file. The JSON5 packages were tried and take 20 to 130 ms for a settings file of 5 kB.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from mimocode.errors import SettingsError

_STRING = r'"(?:[^"\\\r\n]|\\.)*"'
_COMMENT = r"//[^\r\n]*|/\*.*?\*/"
_COMMENTS = re.compile(f"{_STRING}|{_COMMENT}", re.DOTALL)
# The middle part keeps `[,]` and `{,}` wrong.
_COMMAS = re.compile(rf"{_STRING}|[\[{{,:]\s*,|,(?=\s*[}}\]])")
_MARKS = re.compile(rf"(?P<key>{_STRING})\s*:|{_STRING}|[\[\]{{}},]")
_REFERENCE = re.compile(r"\{(env|file):([^{}\r\n]*)\}")
_REFERENCES = re.compile(f"{_STRING}|{_COMMENT}|{_REFERENCE.pattern}", re.DOTALL)

_COMMANDING = re.compile(
    r"(?<!\\)(?:\\\\)*\\(?:u00(?:0[0-8bBeEfF]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])|[bf])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)
DEEPEST = 100
"""Levels of nesting: whoever walks over a value may recurse."""

_EXPECTED = {
    "Expecting value": "a value is expected here",
    "Expecting ',' delimiter": "a comma or a closing bracket is expected here",
    "Expecting ':' delimiter": "a colon is expected here",
    "Expecting property name enclosed in double quotes": "a key in double quotes or } is expected here",
    "Extra data": "the file should end here",
    "Unterminated string starting at": "this string is not closed",
    "Invalid control character at": "a string must close on its own line",
}


def parse(text: str, where: str) -> Any:
    """The value that a text holds; `where` names it in errors.

    Raises:
        SettingsError: it is not JSON with comments; says file, line, column and what was expected.
    """
    try:
        value = json.loads(plain(text), parse_constant=_refuse)
        if _deeper_than(DEEPEST, value):
            raise RecursionError
        return value
    except json.JSONDecodeError as error:
        expected = _EXPECTED.get(error.msg, error.msg[:1].lower() + error.msg[1:])
        raise SettingsError(expected, f"{where}:{error.lineno}:{error.colno}") from None
    except ValueError as error:
        raise SettingsError(str(error), where) from None
    except RecursionError:
        raise SettingsError("this is nested too deeply", where) from None


def _deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    while level and limit >= 0:
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        limit -= 1
    return bool(level)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a value of JSON")


def plain(text: str) -> str:
    """The same text as plain JSON, every character at its place."""
    return _COMMAS.sub(lambda found: " " if found[0] == "," else found[0], uncommented(text))


def uncommented(text: str) -> str:
    """The same text without comments, every character at its place."""
    return _COMMENTS.sub(lambda found: found[0] if found[0][0] == '"' else _blank(found[0]), text)


def _blank(text: str) -> str:
    return re.sub(r"[^\r\n]", " ", text)


def lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of every key by its path; items of arrays count as "0", "1", and so on. The text must be valid."""
    return dict(_keys(text))


def twice(text: str) -> Iterator[tuple[str, int]]:
    """Keys that stand in the same object again, joined with dots, and the line where. The text must be valid."""
    seen: set[tuple[str, ...]] = set()
    for path, line in _keys(text):
        if path in seen:
            yield ".".join(path), line
        seen.add(path)


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    path: list[str] = []
    arrays: list[bool] = []
    text = plain(text)
    line, seen = 1, 0
    for mark in _MARKS.finditer(text):
        line, seen = line + text.count("\n", seen, mark.start()), mark.start()
        if mark["key"] and path:
            path[-1] = json.loads(mark["key"])
            yield tuple(path), line
        elif mark[0] in "[{":
            arrays.append(mark[0] == "[")
            path.append("0" if arrays[-1] else "")
        elif mark[0] in "]}" and path:
            arrays.pop()
            path.pop()
        elif mark[0] == "," and arrays and arrays[-1]:
            path[-1] = str(int(path[-1]) + 1)


Resolve = Callable[[str, str, int], str]
"""(kind, name, line) of a reference to the text it stands for."""


def fill(text: str, resolve: Resolve) -> str:
    """Replace `{env:NAME}` and `{file:path}` outside of comments.

    Inside a string the value is escaped; bare, it may be a number or whole JSON.
    """

    def one(piece: re.Match[str], at: int, quoted: bool) -> str:
        value = resolve(piece[1], piece[2], text.count("\n", 0, at) + 1)
        return json.dumps(value, ensure_ascii=False)[1:-1] if quoted else value

    def token(found: re.Match[str]) -> str:
        if found[1]:
            return one(found, found.start(), quoted=False)
        if found[0][0] != '"':
            return found[0]
        return _REFERENCE.sub(lambda piece: one(piece, found.start(), quoted=True), found[0])

    return _REFERENCES.sub(token, text) if has_reference(text) else text


def quote_references(text: str) -> str:
    """Put bare references into quotes, so that a text can be parsed without filling it."""
    return _REFERENCES.sub(lambda found: f'"{found[0]}"' if found[1] else found[0], text)


def same_length(text: str) -> str:
    """The same with bare references made into texts of their length, so that every place is still where it was."""
    return _REFERENCES.sub(lambda found: f'"{"x" * (len(found[0]) - 2)}"' if found[1] else found[0], text)


def references(text: str) -> list[tuple[str, str]]:
    """All references in a text: "env" or "file", and the name or path."""
    return _REFERENCE.findall(text)


def commanding(text: str) -> int:
    """The line with the first control character that is no white space, written out or not; 0 without one.

    What commands a terminal has no place in settings: they are quoted in errors and lists, those of a stranger, too.
    """
    found = _COMMANDING.search(text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def has_reference(text: str) -> bool:
    """Whether `{env:NAME}` or `{file:path}` stands anywhere in a text."""
    return _REFERENCE.search(text) is not None
