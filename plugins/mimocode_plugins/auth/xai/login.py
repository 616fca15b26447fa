"""The login with an xAI account: in a browser on this machine, or with a code on any other (surface.md 5.9).

Source: the issuer's own description at /.well-known/openid-configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..oauth import HOW, Client, in_browser, with_code
from ..vault import vault
from ..ways import Ask

if TYPE_CHECKING:
    from mimocode.host import Host

PROVIDER = "xai"
ISSUER = "https://auth.x.ai"
CLIENT = "b1a00492-073a-47ea-816f-4c329264a828"
"""The public client of Grok's command line; it has no secret."""
SCOPE = "openid profile email offline_access grok-cli:access api:access"
PORT = 56121
"""The only one that the public client is registered with."""


def issuer(environ: Mapping[str, str]) -> str:
    """Where one logs in; MIMOCODE_XAI_ISSUER names another place, such as a company's gateway."""
    return (environ.get("MIMOCODE_XAI_ISSUER") or ISSUER).rstrip("/")


def client(environ: Mapping[str, str]) -> Client:
    """The client at this issuer."""
    return Client(PROVIDER, "xAI", CLIENT, f"{issuer(environ)}/oauth2/token", "xai", account)


def account(claims: Mapping[str, Any]) -> str:
    """Whose token it is."""
    return str(claims.get("email") or "")


async def run(ask: Ask, host: Host) -> str:
    """Log in and keep the login.

    Raises:
        Gone: nobody logged in in time, or the login was refused.
    """
    place, own = issuer(host.environ), client(host.environ)
    if await ask.choose("How do you log in?", HOW) == "browser":
        port = PORT if place == ISSUER else 0
        page = f"{place}/oauth2/authorize"
        record = await in_browser(ask, own, page, {"scope": SCOPE}, port, "/callback", "127.0.0.1")
    else:
        record = await with_code(ask, own, f"{place}/oauth2/device/code", SCOPE)
    kept = await asyncio.to_thread(vault(host).put, PROVIDER, record)
    ask.say(f"Logged in; the login is kept in {kept}.")
    return PROVIDER
