"""What a setting is and who had a say, and what a settings file may hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.errors import SettingsError

from ..effects import why

if TYPE_CHECKING:
    from collections.abc import Iterable

Keys = tuple[str, ...]
"""The way to a value: one key per level."""


@dataclass(frozen=True)
class Origin:
    """One layer's word on a key; `where` is "file:line" or the name of the layer."""

    layer: str
    where: str
    value: Any


@dataclass(frozen=True)
class Explanation:
    """A value and everyone who had a say, low to high: the last one won."""

    key: str
    value: Any
    origins: tuple[Origin, ...]


def explain(settings: Any, key: str) -> Explanation:
    """Say what a key is and why; parts are joined with dots, as in "permission.bash".

    Raises:
        SettingsError: no such key.
    """
    path = find(settings.data, key.split("."))
    name = path[0] if path else key.split(".")[0]
    if name not in settings.claims:
        raise SettingsError(f'no such setting: "{name}"{settings.meant(name)}')
    origins: list[Origin] = []
    for layer in settings.layers:
        if own := find(layer.data, key.split(".")):
            origins.append(Origin(layer.name, layer.where(own), value_at(layer.data, own)))
        elif hides(layer.data, path or tuple(key.split("."))):
            origins.clear()
    if not path:
        complete = {name: settings.adapter(name).dump_python(settings[name], mode="json", by_alias=True)}
        if not (path := find(complete, key.split("."))):
            raise SettingsError(f'nothing sets "{key}", and it has no default')
        return Explanation(key, value_at(complete, path), (Origin("default", "", value_at(complete, path)),))
    return Explanation(key, value_at(settings.data, path), tuple(origins))


def schema(settings: Any) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a settings file, for editors."""
    from pydantic import TypeAdapter

    adapters = {name: settings.adapter(name) for name in sorted(settings.claims)}
    each, shared = TypeAdapter.json_schemas([(name, "validation", one) for name, one in adapters.items()])
    properties: dict[str, Any] = {"$schema": {"type": "string", "description": "Where this schema is published."}}
    for name, one in adapters.items():
        claim = settings.claims[name]
        idle = f" Accepted, without effect: {sentence}." if (sentence := why(name)) else ""
        properties[name] = {**each[name, "validation"], "description": f"{claim.doc}{idle}"}
        if claim.default is not None:
            properties[name]["default"] = one.dump_python(claim.default, mode="json", warnings=False)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "MiMo Code settings",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "allowTrailingCommas": True,
        **shared,
    }


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
