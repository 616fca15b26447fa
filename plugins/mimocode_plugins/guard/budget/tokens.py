"""How many tokens a text is, roughly: per script, then corrected by what the provider counts.

Characters per token differ by a factor of three between scripts, which is why one divisor for all is not used
(DESIGN.md 6). A provider's own count is the truth; the ratio to it is learnt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from mimocode.messages import Media, Message, Part, Reasoning, Text, ToolCall, ToolSpec
from mimocode.ports import Prompt

IMAGE = 1500
"""Tokens of an image or document page, about."""
PER_MESSAGE = 4
_DENSE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_RARE = re.compile(r"[\U00010000-\U0010ffff]")
_OTHER = re.compile(r"[\u0080-\u10ff\u1200-\u2e7f\ua000-\uabff]")


def estimate(text: str) -> int:
    """Tokens of a text: 4 ASCII characters each, 2.5 of other alphabets, 1.5 of CJK; 2 tokens per emoji."""
    if text.isascii():
        return (len(text) + 3) // 4
    dense, rare, other = (len(pattern.findall(text)) for pattern in (_DENSE, _RARE, _OTHER))
    plain = len(text) - dense - rare - other
    return int(plain / 4 + dense / 1.5 + rare * 2 + other / 2.5) + 1


def of_message(message: Message) -> int:
    """Tokens of a message with its calls."""
    return PER_MESSAGE + sum(_of_block(block) for block in message.content)


def _of_block(block: Text | Reasoning | Media | ToolCall) -> int:
    match block:
        case Text(text=text) | Reasoning(text=text):
            return estimate(text)
        case Media():
            return IMAGE
        case ToolCall():
            arguments = block.malformed or json.dumps(block.arguments, ensure_ascii=False, default=str)
            return 8 + estimate(block.name) + estimate(arguments)


def of_opening(system: Sequence[Part], tools: Sequence[ToolSpec]) -> int:
    """Tokens of what a window opens with."""
    said = sum(estimate(part.text) for part in system)
    schemas = (json.dumps(tool.schema, ensure_ascii=False, default=str) for tool in tools)
    return said + sum(8 + estimate(t.name + t.description) + estimate(s) for t, s in zip(tools, schemas, strict=True))


class Counter:
    """Tokens of the requests of one session. A request that grew costs only what was added."""

    def __init__(self) -> None:
        self.ratio = 1.1
        """Provider's count over ours. Starts a little high: a budget rather stops early than late."""
        self._opening: tuple[object, object, int] = (None, None, 0)
        self._counted, self._tokens = 0, 0
        self._last: Message | None = None

    def count(self, prompt: Prompt) -> int:
        """Tokens of a request, calibrated."""
        return int(self._raw(prompt) * self.ratio) + 1

    def learn(self, prompt: Prompt, told: int) -> None:
        """The provider counted `told` tokens for this request."""
        raw = self._raw(prompt)
        if told > 0 and raw > 0:
            self.ratio += 0.5 * (min(max(told / raw, 0.25), 4.0) - self.ratio)

    def _raw(self, prompt: Prompt) -> int:
        system, tools, opening = self._opening
        if system is not prompt.system or tools is not prompt.tools:
            opening = of_opening(prompt.system, prompt.tools)
            self._opening = (prompt.system, prompt.tools, opening)
        size = len(prompt.messages)
        if self._counted > size or (self._counted and prompt.messages[self._counted - 1] is not self._last):
            self._counted = self._tokens = 0
        for at in range(self._counted, size):
            self._tokens += of_message(prompt.messages[at])
        self._counted = size
        self._last = prompt.messages[size - 1] if size else None
        return opening + self._tokens
