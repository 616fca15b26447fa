"""The login with a ChatGPT account: in a browser on this machine, or with a code on any other (surface.md 5.9)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ..listening import Listener, listening
from ..vault import vault
from ..ways import Ask, Gone, browse
from .tokens import CLIENT, ISSUER, PROVIDER, exchange, issuer

if TYPE_CHECKING:
    from mimocode.host import Host

PORT = 1455
"""The only one that the public client is registered with; another issuer takes any (RFC 8252, 7.3)."""
SCOPE = "openid profile email offline_access"
PATIENCE = 300.0
SLACK = 3.0
"""Seconds added to the interval that the server asks for."""


async def run(ask: Ask, host: Host) -> str:
    """Log in and keep the login.

    Raises:
        Gone: nobody logged in in time, or the login was refused.
    """
    how = await ask.choose(
        "How do you log in?", [("browser", "With a browser on this machine"), ("code", "With a code on any device")]
    )
    record = await (_browser(ask, host) if how == "browser" else _code(ask, host))
    kept = await asyncio.to_thread(vault(host).put, PROVIDER, record)
    ask.say(f"Logged in; the login is kept in {kept}.")
    return PROVIDER


async def _browser(ask: Ask, host: Host) -> dict[str, Any]:
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    digest = hashlib.sha256(verifier.encode()).digest()
    port = PORT if issuer(host.environ) == ISSUER else 0
    async with listening("/auth/callback", port) as listener:
        redirect = f"http://localhost:{listener.port}/auth/callback"
        came = await _came(ask, host, listener, _query(redirect, digest, state))
    if not hmac.compare_digest(came.get("state", "").encode(), state.encode()):
        raise Gone("the answer does not belong to this login; it was not used")
    if "code" not in came:
        raise Gone(f"the login was refused: {came.get('error_description') or came.get('error') or 'no code came'}")
    fields = {"grant_type": "authorization_code", "code": came["code"], "redirect_uri": redirect}
    return await exchange(host.environ, **fields, code_verifier=verifier)


def _query(redirect: str, digest: bytes, state: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": redirect,
        "scope": SCOPE,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "state": state,
        "originator": "mimocode",
    }


async def _came(ask: Ask, host: Host, listener: Listener, query: dict[str, str]) -> dict[str, str]:
    url = f"{issuer(host.environ)}/oauth/authorize?{urlencode(query)}"
    opened = await browse(ask, url)
    ask.say(f"{'Log in with the browser that has opened. If none has' if opened else 'Open this page'}: {url}")
    try:
        async with asyncio.timeout(PATIENCE):
            return await listener.came
    except TimeoutError:
        raise Gone(f"nobody logged in within {PATIENCE / 60:g} minutes") from None


async def _code(ask: Ask, host: Host) -> dict[str, Any]:
    import httpx2

    base = f"{issuer(host.environ)}/api/accounts/deviceauth"
    try:
        async with httpx2.AsyncClient(timeout=20) as client:
            begun = await client.post(f"{base}/usercode", json={"client_id": CLIENT})
            if begun.status_code != 200:
                raise Gone(f"a login with a code is refused (HTTP {begun.status_code}); take the browser")
            said = begun.json()
            code, wait = str(said.get("user_code") or said["usercode"]), float(said.get("interval", 5))
            ask.say(f"Open {issuer(host.environ)}/codex/device on any device and enter the code {code}")
            async with asyncio.timeout(PATIENCE):
                granted = await _granted(
                    client, base, {"device_auth_id": said["device_auth_id"], "user_code": code}, wait
                )
    except TimeoutError:
        raise Gone(f"nobody entered the code within {PATIENCE / 60:g} minutes") from None
    except (httpx2.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Gone(f"the login with a code failed ({type(error).__name__}); take the browser") from None
    return await exchange(
        host.environ,
        grant_type="authorization_code",
        code=str(granted["authorization_code"]),
        redirect_uri=f"{issuer(host.environ)}/deviceauth/callback",
        code_verifier=str(granted["code_verifier"]),
    )


async def _granted(client: Any, base: str, asked: dict[str, Any], wait: float) -> Any:
    """Ask until the user has entered the code: 403 and 404 mean not yet."""
    while True:
        answer = await client.post(f"{base}/token", json=asked)
        if answer.status_code == 200:
            return answer.json()
        if answer.status_code not in (403, 404):
            raise Gone(f"the login was refused (HTTP {answer.status_code})")
        await asyncio.sleep(wait + SLACK)
