"""Where things stand in a JSON text, so that one of them can be changed and every other byte stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_QUIET = re.compile(r'("(?:[^"\\\r\n]|\\.)*")|//[^\r\n]*|/\*.*?\*/|,(?=(?:\s|//[^\r\n]*|/\*.*?\*/)*[}\]])', re.DOTALL)


@dataclass(frozen=True)
class Member:
    """One `"key": value` of an object, or one item of an array (key ""): `start` is the key's, `at` the value's."""

    key: str
    start: int
    at: int
    end: int
    value: Any


def members(text: str, at: int = 0) -> Iterator[Member]:
    """The members of the object or array that begins at or after `at`.

    Raises:
        ValueError: it is not JSON there.
    """
    at = skip(text, at)
    closing = {"{": "}", "[": "]"}.get(text[at : at + 1])
    if closing is None:
        raise ValueError(f"no object or array at {at}")
    at = skip(text, at + 1)
    while text[at : at + 1] != closing:
        start, key = at, ""
        if closing == "}":
            key, at = _decoded(text, at)
            at = skip(text, at)
            if text[at : at + 1] != ":":
                raise ValueError(f"no colon at {at}")
            at = skip(text, at + 1)
        value, end = _decoded(text, at)
        yield Member(key, start, at, end, value)
        at = skip(text, end)
        if text[at : at + 1] == ",":
            at = skip(text, at + 1)
        elif text[at : at + 1] != closing:
            raise ValueError(f"no comma at {at}")


def skip(text: str, at: int) -> int:
    """The first place from `at` on that is no white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at


def plain(text: str) -> str:
    """JSON with comments and trailing commas as plain JSON, every character at its place."""
    return _QUIET.sub(lambda found: found[1] or re.sub(r"[^\r\n]", " ", found[0]), text)


def _decoded(text: str, at: int) -> tuple[Any, int]:
    value, end = _DECODER.raw_decode(text, at)
    return value, end
