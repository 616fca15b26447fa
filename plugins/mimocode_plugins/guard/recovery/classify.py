"""What is wrong with an answer at which the agent wants to stop. Pure functions.

Source: runtime.md 1.5 and 1.6. How often the agent was sent back is read from the conversation since the user last
spoke, so that a restart neither forgets nor forgives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mimocode.messages import Message, Reasoning

from .again import number

CUT = "\n[cut: the same words came again and again]"
"""Ends an answer that was stopped because it repeated itself."""
_MARKUP = re.compile(
    r"<(?:\w+:)?(?:invoke\s+name=|function_calls>|tool_calls?>|function=[\w.-]+)|<\|tool_calls?\w*\|>|\[TOOL_CALLS\]"
)
_QUOTED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.DOTALL)


@dataclass(frozen=True)
class Remedy:
    """What to say to the model: names of `.md` files, milder first, and how often in all."""

    texts: tuple[str, ...]
    variable: str
    limit: int
    trouble: str
    """For the user, when it did not help."""

    def allowed(self, environ: Mapping[str, str]) -> int:
        """How often, after the user's own setting."""
        return number(environ, self.variable, self.limit) if self.variable else self.limit


LENGTH = Remedy(
    ("length",), "MIMOCODE_OUTPUT_LENGTH_CONTINUATION_LIMIT", 3, "The answer is still cut off by the length limit."
)
EMPTY = Remedy(("empty",), "MIMOCODE_INVALID_OUTPUT_CONTINUATION_LIMIT", 2, "The model keeps answering nothing.")
THINKING = Remedy(
    ("thinking",), "MIMOCODE_INVALID_OUTPUT_CONTINUATION_LIMIT", 2, "The model keeps thinking without an answer."
)
TEXT_CALL = Remedy(
    ("text_call",), "MIMOCODE_TEXT_TOOL_CALL_RETRY_LIMIT", 2, "The model keeps writing tool calls as text."
)
REPEATED = Remedy(("repeated", "repeated_again"), "", 2, "The model keeps repeating itself.")
REMEDIES = (LENGTH, EMPTY, THINKING, TEXT_CALL, REPEATED)


def diagnose(answer: Message, finish: str) -> Remedy | None:
    """What an answer needs, or None when it can stand."""
    if answer.role != "assistant" or answer.calls or finish == "filtered":
        return None
    if answer.text.endswith(CUT):
        return REPEATED
    if _MARKUP.search(_QUOTED.sub("", answer.text)):
        return TEXT_CALL
    if finish == "length":
        return LENGTH
    if answer.text.strip():
        return None
    return THINKING if any(isinstance(block, Reasoning) for block in answer.content) else EMPTY


def spent(messages: Sequence[Message], texts: Sequence[str]) -> int:
    """How often one of these texts was said to the model since the user last spoke."""
    count = 0
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if message.role == "user":
            if not message.origin:
                break
            count += message.text in texts
    return count
