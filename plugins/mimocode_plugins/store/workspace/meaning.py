"""What somebody may have meant by a key that is not there, from the schema of what may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

DEEPEST = 8
"""References that are followed from one part."""


def near(schema: Mapping[str, Any], path: Sequence[str]) -> str:
    """The name in a schema that is closest to the end of a path; "" when none is close.

    Args:
        path: keys from the value that the schema describes down to the one that nobody knows.
    """
    parts = [schema]
    for key in path[:-1]:
        parts = [inner for part in parts for each in _open(part, schema) for inner in _below(each, key)]
    names = [name for part in parts for each in _open(part, schema) for name in each.get("properties") or ()]
    return closest(path[-1], names)


def closest(name: str, names: Sequence[str]) -> str:
    """The one that somebody meant who typed `name`; "" when none is close. Letters in another order come first."""
    found = get_close_matches(name, names, 3)
    return next((each for each in found if sorted(each) == sorted(name)), found[0] if found else "")


def _open(part: Any, schema: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """A part with what it refers to and each of its choices."""
    if not isinstance(part, Mapping) or depth > DEEPEST:
        return
    yield part
    if isinstance(ref := part.get("$ref"), str):
        yield from _open((schema.get("$defs") or {}).get(ref.rpartition("/")[2]), schema, depth + 1)
    for kind in ("anyOf", "oneOf", "allOf"):
        for choice in part.get(kind) or ():
            yield from _open(choice, schema, depth + 1)


def _below(part: Mapping[str, Any], key: str) -> Iterator[Any]:
    properties = part.get("properties") or {}
    yield properties[key] if key in properties else part.get("additionalProperties")
    yield part.get("items")
