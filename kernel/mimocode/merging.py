"""Put layers of plain data over each other, and find the way in what results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

Keys = tuple[str, ...]
"""The way to a value: one key per level."""

JOINED = frozenset({"instructions", "plugin"})
"""Lists under these top-level keys are joined over the layers; all others are replaced (surface 3.1)."""
_PACKAGE = re.compile(r"((?:@[^/@]+/)?[\w.-]+)(?:[@=<>~!\[ ].*)?")


def merge(low: Mapping[str, Any], high: Mapping[str, Any], top: bool = True) -> dict[str, Any]:
    """Put one layer over another: objects merge, everything else is replaced.

    A key that the higher layer sets comes after those it leaves alone, so that where the last match wins, the
    higher layer does. `top` says that these are whole layers, not parts of them.
    """
    merged = dict(low)
    for key, value in high.items():
        old = merged.pop(key, None)
        if isinstance(old, dict) and isinstance(value, dict):
            value = merge(old, value, top=False)
        elif top and key in JOINED and isinstance(old, list) and isinstance(value, list):
            value = _joined(old + value, packages=key == "plugin")
        merged[key] = value
    return merged


def _joined(items: list[Any], packages: bool) -> list[Any]:
    """Every item once, at its last place; a package with another version or other options is the same item."""
    kept: dict[str, Any] = {}
    for item in items:
        name = item[0] if packages and isinstance(item, list) and item else item
        if packages and isinstance(name, str) and (package := _PACKAGE.fullmatch(name)):
            name = package[1]
        key = json.dumps(name, sort_keys=True)
        kept.pop(key, None)
        kept[key] = item
    return list(kept.values())


def value_at(data: Any, path: Iterable[str]) -> Any:
    """The value at the end of a path, or None."""
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return None
        data = data[key]
    return data


def find(data: Any, parts: list[str]) -> Keys:
    """The path that dotted parts mean, where keys may hold dots themselves; empty when there is none."""
    if not isinstance(data, dict):
        return ()
    for count in range(len(parts), 0, -1):
        key = ".".join(parts[:count])
        if key in data:
            if count == len(parts):
                return (key,)
            if rest := find(data[key], parts[count:]):
                return (key, *rest)
    return ()


def hides(data: Any, path: Keys) -> bool:
    """Whether a layer replaces something above this path by a value that is not an object."""
    for key in path[:-1]:
        if not isinstance(data, dict) or key not in data:
            return False
        data = data[key]
    return not isinstance(data, dict)


def follow(data: Any, start: Keys, steps: Iterable[int | str]) -> Keys:
    """How far the steps of a validator lead into the data; it also counts members of unions as steps."""
    path = list(start)
    for step in steps:
        inside = step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))
        if inside:
            data = data[step]
            path.append(str(step))
    return tuple(path)
