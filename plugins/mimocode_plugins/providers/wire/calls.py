"""Tool calls from the pieces in which models stream them.

Providers agree on little: some number the calls, some give every parallel call the number 0, some send ids once,
some always, some never, some repeat the name with every piece. What must hold: no piece is lost, no two calls are
merged, every call has an id of its own, and arguments that are no JSON object are kept as they came.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import msgspec

from mimocode.events import CallDelta
from mimocode.messages import ToolCall


def parsed(raw: str) -> dict[str, Any] | None:
    """Arguments as an object; None when they are not one. Nothing at all is an empty object.

    Arguments that were encoded twice (a JSON string that holds an object) are accepted.
    """
    if not raw.strip():
        return {}
    try:
        value = msgspec.json.decode(raw)
        if isinstance(value, str):
            value = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict) else None


def written(call: ToolCall) -> str:
    """The arguments of a call as the JSON text that goes back to the provider, always a valid object."""
    if call.malformed:
        return msgspec.json.encode({"malformed_arguments": call.malformed}).decode()
    return msgspec.json.encode(call.arguments).decode()


@dataclass
class _Slot:
    id: str
    given: str
    """The id as the provider gave it."""
    name: str = ""
    pieces: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Its arguments are complete: a further name cannot belong to it."""
        return bool(self.pieces) and parsed("".join(self.pieces)) is not None


class Assembler:
    """Collects the tool calls of one answer. `taken` are ids that this conversation has used."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self._taken = taken
        self._slots: list[_Slot] = []
        self._latest: dict[object, _Slot] = {}

    def __bool__(self) -> bool:
        return bool(self._slots)

    def add(self, index: object = None, call_id: str = "", name: str = "", arguments: str = "") -> CallDelta:
        """Take one piece; what it means for the screen comes back.

        Args:
            index: the provider's number or key of the call, None when it gives none.
        """
        slot = self._slot(index, call_id, name)
        slot.name = slot.name or name
        if arguments:
            slot.pieces.append(arguments)
        return CallDelta(slot.id, slot.name, arguments)

    def replace(self, index: object, arguments: str) -> None:
        """The provider sends the whole arguments once more: they count instead of the pieces."""
        if (slot := self._latest.get(index)) is not None and arguments:
            slot.pieces = [arguments]

    def finished(self) -> tuple[ToolCall, ...]:
        """All calls, in the order in which they began. Nameless ones are kept: the model is told so."""
        return tuple(_call(slot) for slot in self._slots)

    def _slot(self, index: object, given: str, name: str) -> _Slot:
        slot = self._latest.get(index) if index is not None else self._unnumbered(given)
        if slot is None or _another(slot, given, name):
            slot = _Slot(self._fresh(given), given)
            self._slots.append(slot)
            if index is not None:
                self._latest[index] = slot
        elif given and not slot.given:
            slot.given = given
        return slot

    def _unnumbered(self, given: str) -> _Slot | None:
        if given:
            return next((slot for slot in self._slots if slot.given == given), None)
        return self._slots[-1] if self._slots else None

    def _fresh(self, wanted: str) -> str:
        used = {slot.id for slot in self._slots}
        while not wanted or wanted in used or wanted in self._taken:
            wanted = f"call_{token_hex(12)}"
        return wanted


def _another(slot: _Slot, given: str, name: str) -> bool:
    """Whether this piece begins another call although its number says it continues this one."""
    if given and slot.given:
        return given != slot.given
    return bool(name and slot.name) and (name != slot.name or slot.whole)


def _call(slot: _Slot) -> ToolCall:
    raw = "".join(slot.pieces)
    arguments = parsed(raw)
    if arguments is None:
        return ToolCall(slot.id, slot.name, malformed=raw)
    return ToolCall(slot.id, slot.name, arguments)
