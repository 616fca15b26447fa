"""`--budget 200k,$0.50,10m`: how much a run may take."""

from __future__ import annotations

import re

from mimocode.errors import UsageError

_NUMBER = r"([0-9]{1,12}(?:\.[0-9]{1,6})?|\.[0-9]{1,6})"
_MONEY = re.compile(rf"\${_NUMBER}")
_TOKENS = re.compile(rf"{_NUMBER}(k|K|M)?")
_TIME = re.compile(rf"{_NUMBER}(s|m|h)")
_TIMES = {"": 1, "k": 1_000, "K": 1_000, "M": 1_000_000, "s": 1, "m": 60, "h": 3600}


def parse_budget(text: str) -> dict[str, float]:
    """The limits that a comma-separated list names: keys `tokens`, `cost` (US dollars), `seconds`.

    `200k` and `1.5M` are tokens, `$0.50` is money, `90s`, `10m` and `2h` are time.

    Raises:
        UsageError: a part is none of these, is zero, or names a limit for the second time.
    """
    limits: dict[str, float] = {}
    for part in (part.strip() for part in text.split(",")):
        key, value = _limit(part)
        if key in limits:
            raise UsageError(f"--budget names two limits for {key}: {text!r}.")
        if value <= 0:
            raise UsageError(f"--budget {part!r} leaves nothing to spend: give a number above zero.")
        limits[key] = value
    return limits


def _limit(part: str) -> tuple[str, float]:
    if match := _MONEY.fullmatch(part):
        return "cost", float(match[1])
    if match := _TIME.fullmatch(part):
        return "seconds", float(match[1]) * _TIMES[match[2]]
    if match := _TOKENS.fullmatch(part):
        return "tokens", int(float(match[1]) * _TIMES[match[2] or ""])
    raise UsageError(f"--budget does not understand {part!r}: write tokens (200k), money ($0.50) or time (10m).")
