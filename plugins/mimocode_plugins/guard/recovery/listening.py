"""A model whose answer is ended when it begins to repeat itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing

from mimocode.events import Pulse, ReasoningDelta, Retrying, TextDelta
from mimocode.messages import assistant
from mimocode.ports import Answer, Model, Prompt

from .again import Monitor
from .classify import CUT

KEEP = 2000
"""Characters of a degenerate answer that stay at most: more of it would only invite more of it."""


class Listening:
    """A model that is listened to."""

    def __init__(self, inner: Model, environ: Mapping[str, str]) -> None:
        self._inner, self._environ = inner, environ

    @property
    def ref(self) -> str:
        """ "provider/model"."""
        return self._inner.ref

    @property
    def window(self) -> int:
        """How many tokens a request and its answer may have together."""
        return self._inner.window

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Pass everything on; end a degenerate stream with what was said so far and a mark that says so.

        Raises:
            ModelError: the call failed.
        """
        ears = {TextDelta: self._monitor(), ReasoningDelta: self._monitor()}
        text: list[str] = []
        async with aclosing(self._inner.stream(prompt)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece
                if isinstance(piece, Retrying):
                    ears = {TextDelta: self._monitor(), ReasoningDelta: self._monitor()}
                    text.clear()
                elif isinstance(piece, TextDelta | ReasoningDelta):
                    if isinstance(piece, TextDelta):
                        text.append(piece.text)
                    if ears[type(piece)].feed(piece.text):
                        yield Answer(assistant("".join(text)[:KEEP].rstrip() + CUT))
                        return

    def _monitor(self) -> Monitor:
        return Monitor.from_environment(self._environ)
