"""What live endpoints offer, through the SDK: the one place where it carries weight, off the hot path."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, ModelFault

from ..wire import config
from ..wire.faults import Asked

if TYPE_CHECKING:
    from mimocode.host import Host

WAIT = 15.0
"""Seconds for one endpoint."""


async def refresh(host: Host, wanted: str) -> None:
    """Ask every ready provider of these wires (or the one that is wanted) and remember the answers.

    What fails is reported and keeps its former list.

    Args:
        wanted: a provider id, or "*" for all.
    """
    chosen = [
        provider
        for provider in config.providers(host).values()
        if wanted in ("*", provider.id) and provider.base and provider.entry("").wire in ("chat", "responses")
    ]
    await asyncio.gather(*(_one(host, provider, wanted) for provider in chosen))


async def _one(host: Host, provider: config.Provider, wanted: str) -> None:
    key = await config.key_of(provider, host)
    if not key and not provider.keyless():
        return
    asked = Asked(provider.id, "", provider.base, provider.key_hint(), (key,) if key else ())
    try:
        async with asyncio.timeout(WAIT):
            found = await _offered(provider, key)
    except Exception as error:
        # all is asked: a local server that is not running is no news
        if wanted != "*" or not config.is_local(provider.base):
            sentence = f"{provider.id} did not list its models at {asked.where}: {type(error).__name__} {error}"
            host.report("openai", asked.error(ModelFault.NETWORK, sentence))
        return
    try:
        config.keep_refreshed(host, provider.id, found)
    except OSError as error:
        host.report("openai", MimoError(f"cannot keep the list of models: {error}"))


async def _offered(provider: config.Provider, key: str) -> dict[str, dict[str, Any]]:
    from openai import AsyncOpenAI

    async with AsyncOpenAI(
        api_key=key or "none",
        base_url=provider.base,
        default_headers=dict(provider.options.get("headers") or {}),
        max_retries=1,
    ) as client:
        return {model.id: _record(model.model_dump()) async for model in client.models.list()}


def _record(given: dict[str, Any]) -> dict[str, Any]:
    """What of an entry is useful; OpenRouter and some servers say more than the name."""
    record: dict[str, Any] = {}
    if isinstance(given.get("name"), str):
        record["name"] = given["name"]
    window = given.get("context_length") or given.get("max_model_len") or given.get("context_window")
    if isinstance(window, int):
        record["limit"] = {"context": window}
    return record
