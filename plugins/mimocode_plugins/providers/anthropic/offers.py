"""What live endpoints offer, asked through the anthropic SDK: off the hot path, so its weight does not matter."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, ModelFault

from ..wire import config
from ..wire.faults import Asked

if TYPE_CHECKING:
    from mimocode.host import Host

WAIT = 15.0
"""Seconds for one endpoint."""


async def refresh(host: Host, wanted: str) -> None:
    """Ask every ready provider of this wire (or the one that is wanted) and remember the answers.

    What fails is reported and keeps its former list.

    Args:
        wanted: a provider id, or "*" for all.
    """
    chosen = [
        provider
        for provider in config.providers(host).values()
        if wanted in ("*", provider.id) and provider.base and provider.entry("").wire == "messages"
    ]
    if chosen:
        await asyncio.to_thread(import_module, "anthropic")  # no endpoint's delay: a busy machine loads it for seconds
    await asyncio.gather(*(_one(host, provider) for provider in chosen))


async def _one(host: Host, provider: config.Provider) -> None:
    token = str(provider.options.get("authToken") or "").strip()
    key = "" if token else await config.key_of(provider, host)
    if key.startswith("Bearer "):
        key, token = "", key[7:]
    if not (key or token or provider.keyless()):
        return
    asked = Asked(provider.id, "", provider.base, provider.key_hint(), tuple(s for s in (key, token) if s))
    try:
        async with asyncio.timeout(WAIT):
            found = await _offered(provider, key, token)
        config.keep_refreshed(host, provider.id, found)
    except OSError as error:
        host.report("anthropic", MimoError(f"cannot keep the list of models: {error}"))
    except Exception as error:
        sentence = f"{provider.id} did not list its models at {asked.where}: {type(error).__name__} {error}"
        host.report("anthropic", asked.error(ModelFault.NETWORK, sentence))


async def _offered(provider: config.Provider, key: str, token: str) -> dict[str, dict[str, Any]]:
    from anthropic import AsyncAnthropic

    async with AsyncAnthropic(
        base_url=config.address(provider.base, "messages").removesuffix("/v1/messages"),
        api_key=None if token else key or "none",
        auth_token=token or None,
        default_headers=dict(provider.options.get("headers") or {}),
        max_retries=1,
    ) as client:
        return {model.id: _record(model) async for model in client.models.list(limit=100)}


def _record(model: Any) -> dict[str, Any]:
    """Name and limits; many endpoints say only the name."""
    limits = {"context": getattr(model, "max_input_tokens", None), "output": getattr(model, "max_tokens", None)}
    known = {name: value for name, value in limits.items() if isinstance(value, int)}
    return {"name": model.display_name} | ({"limit": known} if known else {})
