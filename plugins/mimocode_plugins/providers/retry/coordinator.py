"""The one retry coordinator (runtime.md 1.11).

Each kind of failure has its own number of attempts, waits and total. A provider that asks to wait is obeyed unless it
asks too much; then the failure stands at once, because waiting unseen for an hour is worse. Nothing is replayed after
a side effect: tools run only after the answer, outside of here. A failure that waiting does not cure passes through.

(The retry libraries that exist wrap functions; this wraps a stream that has already shown something, and must say so.)
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import cast

from mimocode.errors import ModelError, ModelFault
from mimocode.events import Pulse, Retrying
from mimocode.ports import Answer, Model, Prompt

from ..wire.around import Around

LATER = "; nothing is lost: try again later or with another model"
ADVICE: Mapping[ModelFault, str] = {
    ModelFault.NETWORK: "; nothing is lost: go on when the connection is back",
    ModelFault.SERVER: LATER,
    ModelFault.RATE: LATER,
}
"""What the user can do once a failure stands. While it is still being retried nobody has to do anything."""


@dataclass(frozen=True)
class Limits:
    """For one kind of failure: attempts in all, first wait and longest wait, and time in all (seconds)."""

    attempts: int
    first: float
    longest: float
    total: float


def _defaults() -> dict[ModelFault, Limits]:
    return {
        ModelFault.NETWORK: Limits(6, 1.0, 30.0, 900.0),
        ModelFault.SERVER: Limits(8, 2.0, 30.0, 900.0),
        ModelFault.RATE: Limits(5, 4.0, 60.0, 900.0),
        ModelFault.NONSENSE: Limits(2, 1.0, 1.0, 60.0),
    }


@dataclass(frozen=True)
class Policy:
    """What is retried how. Kinds that are not listed never are."""

    limits: Mapping[ModelFault, Limits] = field(default_factory=_defaults)
    asked: float = 300.0
    """Seconds that a provider may ask to wait."""
    jitter: float = 0.1
    """Part of a wait by which it is varied, so that many clients do not come back together."""

    @classmethod
    def of(cls, attempts: int | None, asked: float | None, first: float | None = None) -> Policy:
        """The shipped policy with what the user set."""
        made = cls()
        if first is not None:
            made = replace(made, limits={fault: replace(limit, first=first) for fault, limit in made.limits.items()})
        if attempts is not None:
            limits = {
                fault: replace(limit, attempts=min(attempts, 2) if fault is ModelFault.NONSENSE else attempts)
                for fault, limit in made.limits.items()
            }
            made = replace(made, limits=limits)
        return made if asked is None else replace(made, asked=asked)

    def wait(self, error: ModelError, attempt: int, spent: float) -> float | None:
        """Seconds until the next attempt, or None when this failure stands.

        Args:
            attempt: how many attempts have failed in this way.
            spent: seconds since the first one failed.
        """
        limit = self.limits.get(error.fault)
        if limit is None or attempt >= limit.attempts:
            return None
        if asked := error.retry_after:
            # never earlier than asked, and what the user allows a provider to ask is not counted against the total
            return asked * (1 + random.uniform(0, self.jitter)) if asked <= self.asked else None
        wait = min(limit.first * 2.0 ** (attempt - 1), limit.longest)
        wait *= 1 + random.uniform(-self.jitter, self.jitter)
        return wait if spent + wait <= limit.total else None


class Retry(Around):
    """A model that tries again. What a failed attempt streamed is void, which `Retrying` tells the screen."""

    def __init__(self, inner: Model, policy: Policy | None = None) -> None:
        super().__init__(inner)
        self._policy = policy or Policy()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """As the inner model's, with `Retrying` between attempts.

        Raises:
            ModelError: the last failure, its sentence saying how often it was tried.
        """
        since: float | None = None
        failed: dict[ModelFault, int] = {}
        while True:
            try:
                stream = cast("AsyncGenerator[Pulse | Answer, None]", self._model.stream(prompt))
                async with aclosing(stream):
                    async for piece in stream:
                        yield piece
                return
            except ModelError as error:
                failed[error.fault] = failed.get(error.fault, 0) + 1
                # from the first failure on: a long answer that is cut has not used up the time for trying again
                since = monotonic() if since is None else since
                wait = self._policy.wait(error, failed[error.fault], monotonic() - since)
                if wait is None:
                    raise _final(error, sum(failed.values()), self._policy) from error
                reason = str(error)
            yield Retrying(sum(failed.values()), round(wait, 3), reason)
            await asyncio.sleep(wait)


def _final(error: ModelError, attempts: int, policy: Policy) -> ModelError:
    """The failure as the user reads it."""
    sentence = str(error)
    if error.fault in policy.limits and error.retry_after is not None and error.retry_after > policy.asked:
        sentence += f" (longer than the {policy.asked:.0f} s of retry.maxWait)"
    elif attempts > 1:
        sentence += f" (tried {attempts} times)"
    sentence += ADVICE.get(error.fault, "")
    return ModelError(error.fault, sentence, status=error.status, retry_after=error.retry_after)
