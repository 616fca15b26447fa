"""Find out that an agent goes in circles, from its calls and their results alone.

What the model says in between does not matter (demands.md B 12). A step counts as progress when its result differs
from the last time, so that waiting for something that changes is no circle. Pure functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from mimocode.messages import Message, ToolCall
from mimocode.state import State

SAME = 3
"""This many identical calls in a row are a circle (surface.md 7, doom_loop)."""
LONGEST, PERIODS = 4, 3
"""A pattern of 2 to LONGEST calls is a circle after PERIODS rounds (runtime.md 1.7)."""
WINDOW = LONGEST * PERIODS
DENIED = "Denied: "
_VOLATILE = re.compile(
    r"0x[0-9a-f]+|tool_[\w-]+|\d{4}-\d\d-\d\d[T ][\d:.,+Z-]+|\d\d:\d\d:\d\d(\.\d+)?|\d+(\.\d+)?\s?(ms|s|sec|seconds)\b",
    re.IGNORECASE,
)
_COSMETIC = frozenset({"description", "title"})
"""Arguments that say why and change nothing."""


@dataclass(frozen=True)
class Step:
    """A call and what came of it: its answer, or already a number. None: a guard refused it, or it has yet to run."""

    signature: str
    came: Message | int | None

    @property
    def outcome(self) -> int | None:
        """What came of it as a number. Large outputs are read only for calls that are the same."""
        return outcome(self.came) if isinstance(self.came, Message) else self.came


def signature(call: ToolCall) -> str:
    """What makes two calls the same: the tool and its arguments, whatever their order, spelling or spacing."""
    arguments = {_snake(name): _plain(value) for name, value in call.arguments.items() if name not in _COSMETIC}
    return json.dumps([call.name, arguments or call.malformed], sort_keys=True, ensure_ascii=False, default=str)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _plain(value: Any) -> Any:
    return re.sub(r"[ \t]+", " ", value).strip() if isinstance(value, str) else value


def outcome(answer: Message) -> int | None:
    """A result as a number; times, durations and addresses do not make it another one."""
    return None if refused(answer) else hash(_VOLATILE.sub("#", answer.text))


def refused(answer: Message) -> bool:
    """A guard has kept the call from running."""
    return answer.error and answer.text.startswith(DENIED)


def steps(state: State, call: ToolCall) -> list[Step]:
    """The calls before this one since the user last spoke, oldest first, at most a window full of them.

    Identical calls of one answer run once and count once. Read from the log, so that a restart forgets nothing; the
    walk is bounded, so that a long session costs no more.
    """
    found = _batch(state.open, state.results)
    results: dict[str, Message] = {}
    for at in range(len(state.messages) - 1, -1, -1):
        message = state.messages[at]
        if len(found) >= WINDOW or (message.role == "user" and not message.origin):
            break
        if message.role == "tool":
            results[message.call_id] = message
        elif message.calls:
            found += _batch(message.calls, results)
    return found[WINDOW - 1 :: -1]


def _batch(calls: Sequence[ToolCall], results: Mapping[str, Message]) -> list[Step]:
    """The steps of one answer, latest first; exact copies ran once."""
    answered = {json.dumps([c.name, c.arguments], default=str): c for c in calls if c.id in results}
    answers = [(call, results[call.id]) for call in reversed(answered.values())]
    return [Step(signature(call), None if refused(answer) else answer) for call, answer in answers]


def circle(before: Sequence[Step], now: str) -> int:
    """The period of the circle that the call `now` would close after `before`, or 0.

    1 means the same call again and again; 2 to LONGEST, a pattern of that many calls. Refused calls do not break a
    circle of those that ran; refusals alone are a circle too.
    """
    ran = [step for step in before if step.came is not None]
    in_vain = list(takewhile(lambda step: step.came is None, reversed(before)))[::-1]
    return _period([*ran, Step(now, None)]) or _period([*in_vain, Step(now, None)])


def _period(line: Sequence[Step]) -> int:
    for period in range(1, LONGEST + 1):
        size = SAME if period == 1 else period * PERIODS
        if len(line) >= size and _repeats(line[-size:], period):
            return period
    return 0


def _repeats(window: Sequence[Step], period: int) -> bool:
    for at in range(period):
        same = window[at::period]
        if len({step.signature for step in same}) > 1 or len({step.outcome for step in same} - {None}) > 1:
            return False
    return True
