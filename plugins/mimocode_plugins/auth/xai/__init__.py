"""Logs in with an xAI account (SuperGrok, X Premium) and keeps the login fresh; the models are those of `xai`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..ways import Way


@hookimpl(optionalhook=True)
async def ways_in() -> list[Way]:
    """The subscription, with a browser here or elsewhere."""
    from ..ways import Way
    from .login import run

    return [Way("xai", "xAI Grok, with a subscription", 45, run)]


# before the plugin that knows what is kept: it cannot make tokens new
@hookimpl(tryfirst=True)
async def find_credential(provider: str, host: Host) -> str | None:
    """The access token, made new when it is about to end."""
    if provider != "xai":
        return None
    from ..oauth import access
    from .login import client

    return await access(host, client(host.environ))
