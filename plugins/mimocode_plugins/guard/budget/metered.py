"""A model that asks the ledger first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, ModelError, ModelFault
from mimocode.events import CallDelta, Pulse, ReasoningDelta, Retrying, TextDelta
from mimocode.messages import Usage
from mimocode.ports import Answer, Model, Prompt, StashKey

from .ledger import MOST, Ledger, Limits, Overdrawn, Reservation
from .tokens import Counter, estimate, of_message

if TYPE_CHECKING:
    from mimocode.session import Session

_ledger: StashKey[Ledger] = StashKey("budget.ledger")
_counter: StashKey[Counter] = StashKey("budget.counter")


def ledger(session: Session) -> Ledger:
    """The one ledger of a session, its parents and all their children.

    Raises:
        UsageError: the budget that was set makes no sense.
    """
    root = session
    while root.parent is not None:
        root = root.parent
    if _ledger not in root.stash:
        host = root.host
        tables = [host.settings["budget"]] if "budget" in host.settings else []
        root.stash[_ledger] = Ledger(Limits.of(*tables, host.options.get("budget")))
    kept: Ledger = root.stash[_ledger]
    return kept


def limited(session: Session) -> bool:
    """Whether there is a budget. One that makes no sense counts: its calls are refused, not let through."""
    try:
        return ledger(session).limits != Limits()
    except MimoError:
        return True


class Metered:
    """A model within a budget."""

    def __init__(self, inner: Model, session: Session) -> None:
        self._inner, self._session = inner, session
        self._price: Mapping[str, float] | None = None

    @property
    def ref(self) -> str:
        """ "provider/model"."""
        return self._inner.ref

    @property
    def window(self) -> int:
        """How many tokens a request and its answer may have together."""
        return self._inner.window

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Reserve, ask, settle.

        Raises:
            ModelError: a limit does not allow the call, or ended it (fault BUDGET); or the call itself failed.
            UsageError: the budget that was set makes no sense.
        """
        session, account = self._session, ledger(self._session)
        counter = session.stash.setdefault(_counter, Counter())
        account.turns.add((session.id, len(session.state.turns)))
        price = await self._known_price(account)
        size, wanted = counter.count(prompt), int(prompt.options.get("max_output") or 0)
        promise = await self._promised(account, size, wanted, price)
        if account.rations and promise.answer < (wanted or MOST):
            prompt = replace(prompt, options={**prompt.options, "max_output": promise.answer})
        used = Usage(size)  # what is known of the call so far; a call that is cut off is billed
        try:
            async with aclosing(self._timed(prompt, account)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Answer):
                        used = piece.usage if piece.usage.input else Usage(size, of_message(piece.message))
                        counter.learn(prompt, piece.usage.input)
                    elif isinstance(piece, TextDelta | ReasoningDelta | CallDelta):
                        used += Usage(output=estimate(piece.text))
                    elif isinstance(piece, Retrying):
                        account.add(used if used.output else Usage(), price)
                        used = Usage(size)
                    yield piece
        except ModelError as error:
            if not used.output and error.fault is not ModelFault.BUDGET:
                used = Usage()  # refused before it began: nobody bills that
            raise
        finally:
            account.release(promise)
            account.add(used, price)

    async def _promised(
        self, account: Ledger, size: int, wanted: int, price: Mapping[str, float] | None
    ) -> Reservation:
        """Reserve; when others have reserved what is left, wait until one of them gives back what it did not use."""
        while True:
            try:
                return account.reserve(size, wanted, price, self.ref)
            except Overdrawn:
                if not account.promised:
                    raise
                account.freed.clear()
            await account.freed.wait()

    async def _timed(self, prompt: Prompt, account: Ledger) -> AsyncGenerator[Pulse | Answer, None]:
        pieces = self._inner.stream(prompt)
        async with aclosing(pieces):  # type: ignore[type-var]
            while True:
                try:
                    async with asyncio.timeout(account.left) as limit:
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if limit.expired():
                        raise account.late() from None
                    raise
                yield piece

    async def _known_price(self, account: Ledger) -> Mapping[str, float] | None:
        if account.limits.cost is not None and self._price is None:
            infos = await self._session.host.models()
            self._price = next((info.price for info in infos if info.ref == self.ref), {})
        return self._price
