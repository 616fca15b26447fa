"""What a run may use, has used and has promised: one ledger for a session and all its children.

Every call reserves before it starts and settles when it ends, so that calls in parallel cannot spend the same
tokens twice. What cannot be known counts as used: the ledger fails closed (demands.md B 13).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mimocode.errors import ModelError, ModelFault, UsageError
from mimocode.messages import Usage

ANSWER = 4096
"""Tokens kept free for an answer while there is room for it."""
LEAST = 256
"""An answer with less room than this is not worth asking for."""
MOST = 32_000
"""Longest answer to expect when nothing says how long it may be (surface.md 4.2, OUTPUT_TOKEN_MAX)."""


@dataclass(frozen=True)
class Limits:
    """None is no limit."""

    tokens: float | None = None
    cost: float | None = None
    seconds: float | None = None
    turns: float | None = None

    @classmethod
    def of(cls, *tables: Mapping[str, object] | None) -> Limits:
        """Limits from tables; a later one overrides key by key.

        Raises:
            UsageError: not a table, an unknown key, or a value that is not a positive number.
        """
        if not all(isinstance(table, Mapping | None) for table in tables):
            raise UsageError("a budget is a table with tokens, cost, seconds and turns")
        merged = {key: value for table in tables if table for key, value in table.items() if value is not None}
        numbers: dict[str, float] = {}
        for key, value in merged.items():
            if key not in cls.__dataclass_fields__:
                raise UsageError(f"a budget has tokens, cost, seconds and turns, not {key!r}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
                raise UsageError(f"budget.{key} is {value!r}: it must be a positive number")
            numbers[key] = value
        return cls(**numbers)


class Overdrawn(ModelError):
    """Too little is left for a call beside those that are on their way."""


@dataclass
class Reservation:
    """What one call was promised. `answer` is the longest answer in tokens that fits."""

    input: int
    answer: int
    cost: float = 0.0


@dataclass
class Ledger:
    """The account of one run. Money is US dollars, prices are per million tokens."""

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    tokens: int = 0
    cost: float = 0.0
    promised: list[Reservation] = field(default_factory=list)
    turns: set[tuple[str, int]] = field(default_factory=set)
    began: float | None = None
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a call ends: what it did not use is free for others."""

    def reserve(self, size: int, wanted: int, price: Mapping[str, float] | None, ref: str) -> Reservation:
        """Promise room for a request of `size` tokens and an answer of at most `wanted` (0: not said).

        Raises:
            ModelError: a limit does not allow it (fault BUDGET).
        """
        began = self.began = self.clock() if self.began is None else self.began
        limits = self.limits
        if limits.turns is not None and len(self.turns) > limits.turns:
            raise _refused(f"{limits.turns:g} turns are used up")
        if limits.seconds is not None and self.clock() - began >= limits.seconds:
            raise self.late()
        rooms = [wanted or MOST]
        if limits.tokens is not None:
            promised = sum(r.input + r.answer for r in self.promised)
            rooms.append(_share(int(limits.tokens) - self.tokens - promised - size))
        if limits.cost is not None:
            rooms.append(self._affordable(size, price, ref))
        answer = min(rooms)
        if answer < min(LEAST, wanted or MOST):
            money = limits.tokens is None or rooms[-1] < rooms[1]
            raise Overdrawn(ModelFault.BUDGET, f"stopped by the budget: {self._overdrawn(size, limit_is_money=money)}")
        made = Reservation(size, answer, priced(Usage(size, answer), price) if price else 0.0)
        self.promised.append(made)
        return made

    def add(self, usage: Usage, price: Mapping[str, float] | None) -> None:
        """This much was used."""
        self.tokens += usage.input + usage.output
        self.cost += usage.cost or (priced(usage, price) if price else 0.0)

    def release(self, reservation: Reservation) -> None:
        """A call ended; what it used is added for itself."""
        self.promised = [r for r in self.promised if r is not reservation]
        self.freed.set()

    @property
    def rations(self) -> bool:
        """Whether answers must be kept short enough to fit."""
        return self.limits.tokens is not None or self.limits.cost is not None

    @property
    def left(self) -> float | None:
        """Seconds left, None without a limit."""
        if self.limits.seconds is None or self.began is None:
            return None
        return self.limits.seconds - (self.clock() - self.began)

    def late(self) -> ModelError:
        """The refusal when time is up."""
        assert self.limits.seconds is not None and self.began is not None
        used = self.clock() - self.began
        return _refused(f"{self.limits.seconds:g} seconds are used up ({used:.0f} s have passed)")

    def _affordable(self, size: int, price: Mapping[str, float] | None, ref: str) -> int:
        assert self.limits.cost is not None
        if not price or "input" not in price or "output" not in price:
            raise _refused(
                f"a cost limit of ${self.limits.cost:g} is set but the price of {ref} is not known; "
                "limit tokens instead, or set the price in the provider's settings"
            )
        left = self.limits.cost - self.cost - sum(r.cost for r in self.promised) - priced(Usage(size), price)
        if left < 0:
            return 0
        return _share(int(left / price["output"] * 1e6)) if price["output"] else MOST

    def _overdrawn(self, size: int, *, limit_is_money: bool) -> str:
        if limit_is_money and self.limits.cost is not None:
            return f"${self.limits.cost:g} does not cover the next call (${self.cost:.4f} used)"
        return f"{self.limits.tokens:,.0f} tokens do not cover the next call ({self.tokens:,} used, it needs {size:,})"


def _share(room: int) -> int:
    """How much of what is left one answer may have: half of it, so that others can run beside it."""
    return max(room // 2, min(room, ANSWER))


def priced(usage: Usage, price: Mapping[str, float]) -> float:
    """US dollars for this usage; cached tokens at their own price where there is one."""
    fresh = usage.input - usage.cache_read - usage.cache_write
    default = price.get("input", 0.0)
    total = fresh * default + usage.output * price.get("output", 0.0)
    total += usage.cache_read * price.get("cache_read", default)
    total += usage.cache_write * price.get("cache_write", default)
    return total / 1e6


def _refused(what: str) -> ModelError:
    return ModelError(ModelFault.BUDGET, f"stopped by the budget: {what}")
