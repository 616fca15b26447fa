"""The login with a ChatGPT account: in a browser on this machine, or with a code on any other (surface.md 5.9)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..oauth import HOW, PATIENCE, exchange, in_browser
from ..vault import vault
from ..ways import Ask, Gone
from .tokens import CLIENT, ISSUER, PROVIDER, client, issuer

if TYPE_CHECKING:
    from mimocode.host import Host

PORT = 1455
"""The only one that the public client is registered with; another issuer takes any (RFC 8252, 7.3)."""
ASKED = {
    "scope": "openid profile email offline_access",
    "id_token_add_organizations": "true",
    "codex_cli_simplified_flow": "true",
    "originator": "mimocode",
}
SLACK = 3.0
"""Seconds added to the interval that the server asks for."""


async def run(ask: Ask, host: Host) -> str:
    """Log in and keep the login.

    Raises:
        Gone: nobody logged in in time, or the login was refused.
    """
    place = issuer(host.environ)
    if await ask.choose("How do you log in?", HOW) == "browser":
        port = PORT if place == ISSUER else 0
        page = f"{place}/oauth/authorize"
        record = await in_browser(ask, client(host.environ), page, ASKED, port, "/auth/callback")
    else:
        record = await _code(ask, host)
    kept = await asyncio.to_thread(vault(host).put, PROVIDER, record)
    ask.say(f"Logged in; the login is kept in {kept}.")
    return PROVIDER


async def _code(ask: Ask, host: Host) -> dict[str, Any]:
    """Its own kind of device login: the server makes the verifier, too."""
    import httpx2

    base = f"{issuer(host.environ)}/api/accounts/deviceauth"
    try:
        async with httpx2.AsyncClient(timeout=20) as connection:
            begun = await connection.post(f"{base}/usercode", json={"client_id": CLIENT})
            if begun.status_code != 200:
                raise Gone(f"a login with a code is refused (HTTP {begun.status_code}); take the browser")
            said = begun.json()
            code, wait = str(said.get("user_code") or said["usercode"]), float(said.get("interval", 5))
            ask.say(f"Open {issuer(host.environ)}/codex/device on any device and enter the code {code}")
            asked = {"device_auth_id": said["device_auth_id"], "user_code": code}
            async with asyncio.timeout(PATIENCE):
                granted = await _granted(connection, base, asked, wait)
    except TimeoutError:
        raise Gone(f"nobody entered the code within {PATIENCE / 60:g} minutes") from None
    except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Gone(f"the login with a code failed ({type(error).__name__}); take the browser") from None
    return await exchange(
        client(host.environ),
        grant_type="authorization_code",
        code=str(granted["authorization_code"]),
        redirect_uri=f"{issuer(host.environ)}/deviceauth/callback",
        code_verifier=str(granted["code_verifier"]),
    )


async def _granted(connection: Any, base: str, asked: dict[str, Any], wait: float) -> Any:
    """Ask until the user has entered the code: 403 and 404 mean not yet."""
    while True:
        answer = await connection.post(f"{base}/token", json=asked)
        if answer.status_code == 200:
            return answer.json()
        if answer.status_code not in (403, 404):
            raise Gone(f"the login was refused (HTTP {answer.status_code})")
        await asyncio.sleep(wait + SLACK)
