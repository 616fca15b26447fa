"""From options to the fields of a Messages request: how long, how thoughtful, how random.

Source: Messages API reference (max_tokens, thinking, output_config.effort); surface.md 5.4 for variants. From
version 4.6 on Claude models think adaptively and take an effort; earlier ones take a budget of tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..wire.config import OUTPUT

BUDGETS = {"minimal": 1024, "low": 4096, "medium": 10_000, "high": 16_000, "xhigh": 24_000, "max": 31_999}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
OFF = frozenset({"none", "off", "disabled"})
RANDOMNESS = ("temperature", "top_p", "top_k")
PASSED = (*RANDOMNESS, "stop_sequences", "metadata", "service_tier", "tool_choice")
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2}))?(?!\d)")


def adaptive(model: str) -> bool:
    """Whether this model decides by itself how long to think."""
    found = _VERSION.search(model.lower())
    return found is not None and (int(found[1]), int(found[2] or 0)) >= (4, 6)


def fields(model: str, limit: int, options: Mapping[str, Any], cap: int = OUTPUT) -> dict[str, Any]:
    """The fields of a request other than tools, system and messages.

    Args:
        model: the name on the wire.
        limit: the most tokens that the model can answer, 0 when unknown.
        options: `max_output`, `temperature`, `top_p`, and for thinking one of `thinking` (the field itself),
            `effort`, `budget`, `variant`. Other keys are not for this provider.
        cap: tokens of an answer unless the options ask for more.
    """
    thinking, effort = _thinking(model, options)
    largest = min(limit or cap, cap)
    if wanted := options.get("max_output") or options.get("max_tokens"):
        largest = min(int(wanted), limit) if limit else int(wanted)
    budget = int(thinking.get("budget_tokens", 0))
    if budget >= largest:
        # the budget is part of max_tokens and must leave room for the answer
        largest = min(budget + cap, limit) if limit else budget + cap
        if budget >= largest:
            thinking = thinking | {"budget_tokens": max(1024, largest // 2)}
    made: dict[str, Any] = {"model": model, "max_tokens": largest, "stream": True}
    made |= {name: options[name] for name in PASSED if options.get(name) is not None}
    if thinking.get("type", "disabled") != "disabled":
        # while it thinks the API accepts no other randomness than its own
        made.pop("temperature", None)
        made.pop("top_k", None)
    if thinking:
        made["thinking"] = thinking
    if effort:
        made["output_config"] = {"effort": effort}
    return made


def _thinking(model: str, options: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """The `thinking` field ({}: not sent) and the effort ("": not sent)."""
    variant = str(options.get("variant") or "")
    effort = str(options.get("effort") or "")
    if isinstance(given := options.get("thinking"), Mapping):
        made = {"budget_tokens" if key == "budgetTokens" else key: value for key, value in given.items()}
        return made, effort
    if budget := int(options.get("budget") or 0):
        return {"type": "enabled", "budget_tokens": max(1024, budget)}, ""
    if (effort or variant) in OFF:
        return {"type": "disabled"}, ""
    if effort or (variant in BUDGETS and adaptive(model)):
        wanted = effort or variant
        return {"type": "adaptive"}, wanted if wanted in EFFORTS else "low"
    if variant in BUDGETS:
        return {"type": "enabled", "budget_tokens": BUDGETS[variant]}, ""
    return {}, ""
