"""A model behind the Messages API: prompts in, pulses and one answer out, over httpx2.

Failures are `ModelError`s of the shared wire (see `wire.faults`). Nothing is tried twice here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import msgspec

from mimocode.errors import ModelError, ModelFault
from mimocode.events import Pulse
from mimocode.ports import Answer, Prompt

from ..wire.config import Target, costed
from ..wire.faults import Asked
from ..wire.http import Line, decoded, drained
from ..wire.sse import Event
from .decode import Reader
from .encode import MEDIA, Encoder
from .fields import RANDOMNESS, fields

VERSION = "2023-06-01"
HOME = "api.anthropic.com"
INTERLEAVED = "interleaved-thinking-2025-05-14"
"""Lets models that take a thinking budget think between tool calls; the newer ones do so anyway."""


class ClaudeModel:
    """One model of one provider.

    Args:
        target: where it is. `options.authToken` of the provider is sent as a bearer token in place of a key, and so
            is a key that begins with "Bearer ".
    """

    def __init__(self, target: Target) -> None:
        token = str(target.provider.options.get("authToken") or "").strip()
        token = token or (target.key[7:] if target.key.startswith("Bearer ") else "")
        self._target = target
        self._info = target.model.info(target.ref)
        secrets = (*target.asked.secrets, token) if token else target.asked.secrets
        self._asked: Asked = replace(target.asked, secrets=secrets)
        self._line = Line(self._asked, _headers(target, token), target.timeouts)
        record = target.model.record
        reads = target.model.media if record.get("modalities") else MEDIA
        self._encoder = Encoder(target.provider.id, str(record.get("cachePromptTTL", "5m") or ""), reads)

    @property
    def ref(self) -> str:
        """ "provider/model"."""
        return self._target.ref

    @property
    def window(self) -> int:
        """Tokens of a request and its answer together."""
        return self._target.window

    def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Ask; see `mimocode.ports.Model`.

        Raises:
            ModelError: the call failed; nothing of it counts.
        """
        return self._stream(prompt)

    async def close(self) -> None:
        """Let go of idle connections."""
        await self._line.close()

    async def _stream(self, prompt: Prompt) -> AsyncGenerator[Pulse | Answer, None]:
        wanted = self._fields(prompt.options)
        body, taken = self._encoder.request(prompt, wanted)
        reader = Reader(self._target.provider.id, taken)
        async with aclosing(self._line.stream(body, self._betas(wanted))) as events:
            async for event in events:
                for pulse in self._read(reader, event):
                    yield pulse
                if reader.done:
                    # what some proxies send after the end is not looked at (surface.md 5.2)
                    await drained(events)
                    break
        if not reader.complete:
            raise self._line.cut()
        answer = reader.answer()
        yield replace(answer, usage=costed(answer.usage, self._info))

    def _fields(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options of the model, then of its variant, then of the agent and the user."""
        variant = self._target.variant(str(options.get("variant") or ""))
        merged = {**self._target.body, **variant, **options}
        if variant:
            merged.pop("variant", None)
        if self._target.model.record.get("temperature") is False:
            # newer models refuse every choice of randomness
            merged = {name: value for name, value in merged.items() if name not in RANDOMNESS}
        model = self._target.model
        return fields(model.wire_id, model.limit("output"), merged, self._target.output_cap)

    def _betas(self, wanted: Mapping[str, Any]) -> dict[str, str]:
        """Nothing but Anthropic itself is sent a beta that the user did not ask for."""
        chosen = {name.lower() for name in self._target.headers}
        budget = wanted.get("thinking", {}).get("type") == "enabled"
        if budget and urlsplit(self._asked.url).hostname == HOME and "anthropic-beta" not in chosen:
            return {"anthropic-beta": INTERLEAVED}
        return {}

    def _read(self, reader: Reader, event: Event) -> list[Pulse]:
        value = decoded(event, self._asked)
        try:
            return list(reader.feed(value))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            shown = msgspec.json.encode(value)[:80].decode("utf-8", "replace")
            sentence = f"{self._asked.where} sent an event that the Messages API does not have: {shown}"
            raise ModelError(ModelFault.NONSENSE, sentence) from error


def _headers(target: Target, token: str) -> dict[str, str]:
    """The user's headers have the last word."""
    made = {"content-type": "application/json", "anthropic-version": VERSION}
    if token:
        made["authorization"] = f"Bearer {token}"
    elif target.key:
        made["x-api-key"] = target.key
    given = {name.lower(): value for name, value in target.headers.items()}
    return made | given
