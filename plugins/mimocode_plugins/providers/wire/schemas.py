"""Schemas of tools for providers that understand a part of JSON Schema only.

Gemini takes the subset of OpenAPI 3.0 (no references, no `const`, no lists of types, enumerations of text, `items` in
every array, `required` only of what is there); Kimi takes no `type` beside `anyOf`. What is left says the same to a
model, only less exactly. Sources: Gemini API reference, "Schema"; Moonshot's notes on its flavour of JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEEPEST = 16
"""Levels after which a schema that refers to itself ends as any object."""
_KEPT: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(["minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"], (int, float)),
    **dict.fromkeys(["description", "pattern", "type"], (str,)),
    **dict.fromkeys(("enum", "required", "type"), (str, list)),
    **dict.fromkeys(("properties", "items"), (Mapping,)),
    "nullable": (bool,),
}
"""The words that are left, and what they may hold."""


def plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema in the words that everybody knows. What makes no sense is left out."""
    definitions = {**_table(schema.get("definitions")), **_table(schema.get("$defs"))}
    return _plain(schema, definitions, 0)


def _plain(given: Any, definitions: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(given, Mapping) or depth > DEEPEST:
        return {"type": "object"} if depth > DEEPEST else {}
    node = _followed(given, definitions, depth)
    made = {key: value for key, value in node.items() if key in _KEPT and isinstance(value, _KEPT[key])}
    if not isinstance(kind := made.pop("type", None), str):
        kind = next((each for each in _list(kind) if isinstance(each, str) and each != "null"), None)
    made |= {"type": kind} if kind else {}
    for exclusive, plainly in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(limit := node.get(exclusive), int | float) and not isinstance(limit, bool):
            made.setdefault(plainly, limit)
    values = [node["const"]] if "const" in node else made.pop("enum", None)
    if words := [_word(each) for each in _list(values) if isinstance(each, str | int | float)]:
        made |= {"enum": words, "type": "string"}
    return _inside(made, node, definitions, depth)


def _inside(
    made: dict[str, Any], node: Mapping[str, Any], definitions: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    """The parts of a schema, each plain."""
    choices = [*_list(node.get("anyOf")), *_list(node.get("oneOf"))]
    options = [_plain(each, definitions, depth + 1) for each in choices if each != {"type": "null"}]
    if len(options) == 1:
        return {**options[0], **{key: made[key] for key in ("description",) if key in made}}
    if options:
        return {key: made[key] for key in ("description",) if key in made} | {"anyOf": options}
    properties, required = made.pop("properties", None), _list(made.pop("required", None))
    if isinstance(properties, Mapping):
        made["type"] = "object"
        made["properties"] = {str(name): _plain(each, definitions, depth + 1) for name, each in properties.items()}
        if there := [name for name in required if isinstance(name, str) and name in properties]:
            made["required"] = there
    items = made.pop("items", None)
    if made.get("type") == "array":
        made["items"] = _plain(items, definitions, depth + 1) or {"type": "string"}
    return made


def _followed(node: Mapping[str, Any], definitions: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """A schema with what it refers to, and with all of its `allOf`, in it."""
    made, seen = dict(node), 0
    while isinstance(ref := made.pop("$ref", None), str) and seen < DEEPEST:
        seen += 1
        made = {**(_table(definitions.get(ref.rpartition("/")[2])) or {"type": "object"}), **made}
    for part in _list(made.pop("allOf", None)):
        more = _followed(part, definitions, depth + 1) if isinstance(part, Mapping) and depth < DEEPEST else {}
        joined = {**_table(more.get("properties")), **_table(made.get("properties"))}
        required = [*_list(more.get("required")), *_list(made.get("required"))]
        made = {**more, **made}
        made |= {key: value for key, value in (("properties", joined), ("required", required)) if value}
    return made


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
