"""Permission tables of agents: put one on another, take what loosens out of one, translate the older spellings.

A table is an action, or {key: action}, or {key: {pattern: action}}; the last matching rule wins (surface.md 7), so
what is put on top goes to the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Table = dict[str, Any]

KEYS = {"write": "edit", "patch": "edit", "apply_patch": "edit", "multiedit": "edit", "notebook_edit": "edit"}
"""Tools that answer to another tool's key."""
READ = {"*": "allow", "*.env": "ask", "*.env.*": "ask", "*.env.example": "allow"}
"""Being given the tool does not mean being given the secrets."""


def table(permission: Any) -> Table:
    """A permission in its longest spelling: {key: {pattern: action}}."""
    if isinstance(permission, str):
        permission = {"*": permission}
    return {
        str(key): dict(entry) if isinstance(entry, Mapping) else {"*": entry}
        for key, entry in dict(permission or {}).items()
    }


def merged(base: Any, more: Any) -> Table:
    """Both tables, the rules of the second after those of the first."""
    result = table(base)
    for key, rules in table(more).items():
        before = result.pop(key, {})  # to the end
        if key == "*" and "*" in rules:
            result = {}  # it has the last word on everything before it
        result[key] = {pattern: action for pattern, action in before.items() if pattern not in rules} | rules
    return result


def tightened(permission: Any, *, known: bool) -> Table:
    """What is left of a table that must not loosen: denials, and questions where nothing was said before."""
    kept = ("deny",) if known else ("deny", "ask")
    rules = {
        key: {pattern: action for pattern, action in entry.items() if action in kept}
        for key, entry in table(permission).items()
    }
    return {key: entry for key, entry in rules.items() if entry}


def from_allowlist(names: Iterable[str]) -> Table:
    """Nothing but these tools."""
    rules: Table = {"*": {"*": "deny"}, "external_directory": {"*": "ask"}}
    for name in map(str, names):
        key = KEYS.get(name, "actor" if name == "task" else name)
        rules[key] = dict(READ) if key == "read" else {"*": "allow"}
    return rules


def from_tools(switches: Mapping[str, Any]) -> Table:
    """The older switches: off denies; on only counts after "everything off"."""
    if switches.get("*") is False:
        return from_allowlist(name for name, on in switches.items() if on)
    off = (name for name, on in switches.items() if not on)
    return {KEYS.get(name, "actor" if name == "task" else name): {"*": "deny"} for name in off}


def written_out(permission: Mapping[str, Any], places: Mapping[str, str]) -> Table:
    """The table with `{data}` and `{config}` in patterns replaced, as short as it can be spelt."""
    result: Table = {}
    for key, rules in permission.items():
        entry = {_filled(pattern, places): action for pattern, action in rules.items()}
        result[key] = entry["*"] if list(entry) == ["*"] else entry
    return result


def _filled(pattern: str, places: Mapping[str, str]) -> str:
    for name, path in places.items():
        pattern = pattern.replace(f"{{{name}}}", path)
    return pattern
