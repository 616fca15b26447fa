"""A provider that says "too long" knows better than our count: go on in a new window, once per request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from mimocode.errors import ModelError, ModelFault
from mimocode.events import Pulse
from mimocode.ports import Answer, Model, Prompt

from .measure import gauge
from .settings import compaction
from .turnover import renewed, turn_over

if TYPE_CHECKING:
    from mimocode.session import Session


class Fitting:
    """A model whose requests fit."""

    def __init__(self, inner: Model, session: Session) -> None:
        self._inner, self._session = inner, session

    @property
    def ref(self) -> str:
        """ "provider/model"."""
        return self._inner.ref

    @property
    def window(self) -> int:
        """How many tokens a request and its answer may have together."""
        return self._inner.window

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """As the inner model's; a request that is too long is asked once more from a new window.

        Raises:
            ModelError: as the inner model's.
        """
        try:
            async with aclosing(self._inner.stream(prompt)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    yield piece
            return
        except ModelError as error:
            session = self._session
            own = session.state.window is not None and prompt.messages is session.state.messages
            if error.fault is not ModelFault.OVERFLOW or not own or not compaction(session).auto:
                raise
            gauge(session).overflowed(self.window)
            if not await turn_over(session, f"{self.ref} refused the request as too long"):
                raise
        async with aclosing(self._inner.stream(renewed(prompt, session))) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece
