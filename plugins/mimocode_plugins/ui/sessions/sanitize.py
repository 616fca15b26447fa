"""Facts without what was said: for a bug report that shows what happened and no more.

Everything is left out unless it is named here, so a field that is added later is left out as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from mimocode import events, messages

T = TypeVar("T")

KEPT: Mapping[type, frozenset[str]] = {
    events.SessionStarted: frozenset({"agent", "model", "parent", "forked", "version"}),
    events.AgentChosen: frozenset({"agent"}),
    events.ModelChosen: frozenset({"model"}),
    events.MessageAdded: frozenset({"finish", "model"}),
    events.CallStarted: frozenset({"call_id"}),
    events.CallFinished: frozenset({"call_id"}),
    events.ApprovalGiven: frozenset({"call_id", "remember"}),
    events.TurnEnded: frozenset({"reason"}),
    events.Noted: frozenset({"plugin"}),
    messages.Message: frozenset({"role", "call_id", "origin"}),
    messages.ToolCall: frozenset({"id", "name"}),
    messages.Media: frozenset({"mime"}),
    messages.ToolSpec: frozenset({"name", "server"}),
}
"""Strings that are names of ours, not words of the user, the model or a file."""

_SCHEMA = frozenset({"type", "required"})
_NAME = re.compile(r"[A-Za-z_$][\w$-]{0,39}")


def redacted(value: T) -> T:
    """A value of the same shape without its texts."""
    result: Any = _redacted(value)
    return result  # type: ignore[no-any-return]


def _redacted(value: Any, kept: frozenset[str] = frozenset()) -> Any:
    match value:
        case str():
            return f"[{len(value)} characters]" if value else ""
        case events.SessionStarted():
            return msgspec.structs.replace(_fields(value), directory="/redacted")
        case messages.Media():
            return msgspec.structs.replace(_fields(value), data="")
        case messages.ToolSpec():
            return msgspec.structs.replace(_fields(value), schema=_redacted(value.schema, _SCHEMA))
        case msgspec.Struct():
            return _fields(value)
        case Mapping():
            return {
                _key(key, number): part if key in kept and not isinstance(part, Mapping) else _redacted(part, kept)
                for number, (key, part) in enumerate(value.items())
            }
        case list() | tuple():
            return type(value)(_redacted(part, kept) for part in value)
    return value


def _fields(value: msgspec.Struct) -> Any:
    kept = KEPT.get(type(value), frozenset())
    changed = {name: _redacted(getattr(value, name)) for name in value.__struct_fields__ if name not in kept}
    return msgspec.structs.replace(value, **changed)


def _key(key: str, number: int) -> str:
    """Keys are names nearly always; where they are paths or sentences they are texts too."""
    return key if _NAME.fullmatch(key) else f"key {number}"
