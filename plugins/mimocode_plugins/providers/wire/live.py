"""What live endpoints offer: they are asked through a provider's SDK, off the hot path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, ModelFault

from . import config
from .faults import Asked

if TYPE_CHECKING:
    from mimocode.host import Host

WAIT = 15.0
"""Seconds for one endpoint."""

Records = Mapping[str, dict[str, Any]]
Ask = Callable[[config.Provider, str, str], Awaitable[Records]]
"""Records of the models of a provider by their ids, asked with a key or a token; either may be empty."""


async def refresh(host: Host, sdk: str, wires: Collection[str], ask: Ask) -> None:
    """Ask every ready provider of these wires (or the one that is wanted) and remember the answers.

    What fails is reported and keeps its former list.

    Args:
        sdk: the package that `ask` needs, which is the name of the plugin, too.
    """
    wanted = str(host.options["refresh_models"])
    chosen = [
        provider
        for provider in config.providers(host).values()
        if wanted in ("*", provider.id) and provider.base and provider.entry("").wire in wires
    ]
    if chosen:
        await asyncio.to_thread(import_module, sdk)  # no endpoint's delay: a busy machine loads it for seconds
    await asyncio.gather(*(_one(host, sdk, provider, ask, wanted == "*") for provider in chosen))


async def _one(host: Host, sdk: str, provider: config.Provider, ask: Ask, every: bool) -> None:
    token = str(provider.options.get("authToken") or "").strip()
    key = "" if token else await config.key_of(provider, host)
    if not (key or token or provider.keyless()):
        return
    if key.startswith("Bearer "):
        key, token = "", key[7:]
    asked = Asked(provider.id, "", provider.base, provider.key_hint(), tuple(s for s in (key, token) if s))
    try:
        async with asyncio.timeout(WAIT):
            found = await ask(provider, key, token)
    except Exception as error:
        absent = isinstance(error, TimeoutError) or type(error).__name__ in ("APIConnectionError", "APITimeoutError")
        if not (every and absent and config.is_local(provider.base)):  # a local one that does not run is no news
            sentence = f"{provider.id} did not list its models at {asked.where}: {type(error).__name__} {error}"
            host.report(sdk, asked.error(ModelFault.NETWORK, sentence))
        return
    try:
        config.keep_refreshed(host, provider.id, found)
    except OSError as error:
        host.report(sdk, MimoError(f"cannot keep the list of models: {error}"))
