"""Logs in with a ChatGPT account and keeps the login fresh; the models are those of provider `openai`."""

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

    return [Way("chatgpt", "ChatGPT Plus or Pro, as Codex uses it", 30, run)]


# before the plugin that knows what is kept: it cannot make tokens new
@hookimpl(tryfirst=True)
async def find_credential(provider: str, host: Host) -> str | None:
    """The access token, made new when it is about to end."""
    if provider != "openai":
        return None
    from ..oauth import access
    from .tokens import client

    return await access(host, client(host.environ))
