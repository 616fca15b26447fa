"""How full a context window is: tokens per script, corrected by what the provider counts (DESIGN.md 6)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from mimocode.messages import Media, Message, Part, Reasoning, Text, ToolCall, ToolSpec
from mimocode.ports import StashKey

from .settings import Amount, Compaction, compaction

if TYPE_CHECKING:
    from mimocode.session import Session
    from mimocode.state import State

PICTURE = 1500
"""Tokens of a picture or a page, about."""
OUTPUT, INPUT_SHARE = 32_000, 20_000
"""The longest answer to expect, and what of it counts against windows without a limit for input (runtime.md 3.1)."""
MOST_RESERVED = 0.26
"""Share of a window that is kept free at most, so that small windows can be used at all."""
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_RARE = re.compile("[\U00010000-\U0010ffff]")
_OTHER = re.compile("[\u0080-\u10ff\u1200-\u2e7f\ua000-\uabff]")
NAME = "window"
"""Under this name windows are noted in the log."""


def estimate(text: str) -> int:
    """Tokens of a text: 4 ASCII characters each, 2.5 of other alphabets, 1.5 of CJK, half an emoji."""
    if text.isascii():
        return (len(text) + 3) // 4
    wide, rare, other = (len(pattern.findall(text)) for pattern in (_WIDE, _RARE, _OTHER))
    return int((len(text) - wide - rare - other) / 4 + wide / 1.5 + rare * 2 + other / 2.5) + 1


def of_message(message: Message) -> int:
    """Tokens of a message with its calls."""
    return 4 + sum(map(_of_block, message.content))


def _of_block(block: Text | Reasoning | Media | ToolCall) -> int:
    match block:
        case Text(text=text):
            return estimate(text)
        case Reasoning():
            return estimate(block.text) + len(msgspec.json.encode(block.data)) // 4
        case ToolCall():
            said = block.malformed or msgspec.json.encode(block.arguments).decode()
            return 8 + estimate(block.name) + estimate(said)
        case Media():
            return PICTURE


def of_opening(system: Sequence[Part], tools: Sequence[ToolSpec]) -> int:
    """Tokens of what stays fixed in a window."""
    told = sum(estimate(part.text) for part in system)
    return told + sum(8 + estimate(t.name + t.description) + len(msgspec.json.encode(t.schema)) // 4 for t in tools)


class Gauge:
    """Counts one session's window. A window that grew costs only what was added."""

    def __init__(self) -> None:
        self.ratio = 1.0
        """The provider's count over ours."""
        self._window: object = None
        self._opening = self._sum = self._counted = 0
        self._last: Message | None = None
        self._asked = 0

    def raw(self, state: State) -> int:
        """Our own count of everything that a request holds now."""
        if state.window is None:
            return 0
        size = len(state.messages)
        if state.window is not self._window or self._counted > size or not self._same(state):
            self._window, self._counted, self._sum = state.window, 0, 0
            self._opening = of_opening(state.window.system, state.window.tools)
        for at in range(self._counted, size):
            self._sum += of_message(state.messages[at])
        self._counted, self._last = size, state.messages[size - 1] if size else None
        return self._opening + self._sum

    def _same(self, state: State) -> bool:
        return not self._counted or state.messages[self._counted - 1] is self._last

    def used(self, state: State) -> int:
        """Tokens of the next request: what the provider counted last, and our count of what came after that."""
        self._asked = raw = self.raw(state)
        if not state.context:
            return int(raw * self.ratio)
        fresh, at = 0, len(state.messages) - 1
        while at >= 0 and state.messages[at].role != "assistant":
            fresh += of_message(state.messages[at])
            at -= 1
        return state.context + int(fresh * self.ratio)

    def learn(self, told: int) -> None:
        """The provider counted `told` tokens for the request that was measured last."""
        if self._asked > 0:
            self.ratio = min(max(told / self._asked, 0.25), 4.0)

    def overflowed(self, window: int) -> None:
        """The provider refused the request that was measured last as too long."""
        if self._asked > 0:
            self.ratio = min(max(self.ratio * 1.2, window / self._asked), 4.0)


_gauge: StashKey[Gauge] = StashKey("context.gauge")


def gauge(session: Session) -> Gauge:
    """The session's gauge."""
    found: Gauge = session.stash.setdefault(_gauge, Gauge())
    return found


def amount(said: Amount | None, window: int) -> int:
    """Tokens of "300K", "1.5M", "50%" or a number; 0 for what makes no sense."""
    if said is None or isinstance(said, bool):
        return 0
    if isinstance(said, int | float):
        return max(0, int(said))
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmM%]?)\s*", said)
    if not found:
        return 0
    scale = {"": 1.0, "k": 1e3, "m": 1e6, "%": window / 100}[found[2].lower()]
    return int(float(found[1]) * scale)


def effective(session: Session, window: int) -> int:
    """The window as the user limits it: `/context-limit`, else `compaction.max_context`. It only lowers."""
    limits = [note["limit"] for note in session.state.notes.get(NAME, ()) if "limit" in note]
    said = limits[-1] if limits else _for_model(compaction(session), session)
    limit = amount(said, window)
    return limit if limit - reserved(limit, compaction(session)) > 0 and limit < window else window


def show_window(session: Session, window: int) -> None:
    """Let front ends know of how many tokens the window is, as the user limits it: `host.options["windows"]`, by id."""
    session.host.options.setdefault("windows", {})[session.id] = effective(session, window)


def _for_model(wanted: Compaction, session: Session) -> Amount | None:
    said = wanted.max_context
    if not isinstance(said, Mapping):
        return said
    ref = session.model.ref if session.model else session.model_ref
    fitting = [pattern for pattern in said if fnmatchcase(ref, pattern)]
    return said[max(fitting, key=len)] if fitting else None


def reserved(window: int, wanted: Compaction) -> int:
    """Tokens kept free for an answer."""
    if wanted.reserved is not None:
        return wanted.reserved
    return min(OUTPUT + INPUT_SHARE, int(window * MOST_RESERVED))


def usable(session: Session, window: int) -> int:
    """Tokens that a request may have; 0 when the window is not known."""
    whole = effective(session, window)
    return max(0, whole - reserved(whole, compaction(session)))
