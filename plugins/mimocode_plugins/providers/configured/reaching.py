"""Whether the address of the model for new sessions answers, for `mimo doctor`; nothing is asked of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mimocode.errors import MimoError

from ..wire import config
from ..wire.catalogue import is_local

if TYPE_CHECKING:
    from mimocode.host import Host

PATIENCE = 10.0
"""Seconds."""


async def reach(host: Host) -> list[tuple[str, str, str, str]]:
    """One finding, or none when no model is chosen."""
    import httpx2

    try:
        target = await config.find(await host.default_model(), host, ("chat", "responses", "messages"))
    except MimoError:
        return []
    if target is None:
        return []
    parts = urlsplit(target.asked.url)
    place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=not is_local(place)) as client:
            answer = await client.get(place)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        why = f"{place} does not answer ({type(error).__name__})"
        return [("fail", "network", why, "start the server, or check the network, HTTPS_PROXY and baseURL")]
    return [("ok", "network", f"{place} answers (HTTP {answer.status_code})", "")]
