"""Logins at an OAuth issuer: in a browser on this machine, or with a code on any device; kept fresh afterwards.

Public clients only, which have no secret. Sources: OAuth 2.0 (RFC 6749), PKCE (RFC 7636), native apps (RFC 8252),
device authorization (RFC 8628).
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mimocode.errors import ModelError, ModelFault

from . import records
from .listening import Listener, listening
from .vault import Vault, vault
from .ways import Ask, Gone, browse

if TYPE_CHECKING:
    from mimocode.host import Host

    from .records import Record

PATIENCE = 300.0
"""Seconds for someone to log in."""
HOUR = 3600.0
SLOWER = 5.0
"""Seconds more between two questions for a server that wants them slower (RFC 8628, 3.5)."""
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
HOW = (("browser", "With a browser on this machine"), ("code", "With a code on any device"))


@dataclass(frozen=True)
class Client:
    """One public client at one issuer, whose tokens are those of a provider."""

    provider: str
    name: str
    """For people."""
    id: str
    tokens: str
    """Where codes become tokens."""
    way: str
    """`mimo setup` logs in again by this name."""
    account: Callable[[Mapping[str, Any]], str] = lambda claims: ""
    """Whose login it is, from what a token says."""


async def access(host: Host, client: Client) -> str | None:
    """The access token of the login that is kept; None when there is none.

    Raises:
        ModelError: it has ended and cannot be made new.
    """
    kept = vault(host)
    if client.provider not in kept.names():
        return None
    record = await asyncio.to_thread(kept.get, client.provider)
    if record is None or record["type"] != "oauth":
        return None
    if not records.expired(record):
        return str(record["access"]) or None
    return await _renewed(kept, client)


async def exchange(client: Client, **fields: str) -> dict[str, Any]:
    """Tokens for a code or an older token, as a record.

    Raises:
        Gone: they are refused, or the place cannot be reached.
    """
    status, said = await _post(client.tokens, {"client_id": client.id, **fields})
    if status != 200 or not isinstance(said.get("access_token"), str):
        raise Gone(f"{client.tokens} refused (HTTP {status})")
    return record_of(said, fields.get("refresh_token", ""), client.account)


async def in_browser(
    ask: Ask, client: Client, page: str, query: Mapping[str, str], port: int, path: str, name: str = "localhost"
) -> dict[str, Any]:
    """Log in with a page that comes back to this machine.

    Args:
        page: the page to log in at; `query` is what it is told besides what every such login tells.
        port: the port that it may come back to; 0 takes a free one.

    Raises:
        Gone: nobody logged in in time, or it was refused.
    """
    verifier, state = secrets.token_urlsafe(64), secrets.token_urlsafe(32)
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

    def ours(given: dict[str, str]) -> bool:
        return hmac.compare_digest(given.get("state", "").encode(), state.encode())

    async with listening(path, port, ours=ours) as listener:
        redirect = f"http://{name}:{listener.port}{path}"
        said = {"response_type": "code", "client_id": client.id, "redirect_uri": redirect, "state": state}
        said |= {"code_challenge": digest, "code_challenge_method": "S256", **query}
        came = await _came(ask, listener, f"{page}?{urlencode(said)}")
    if "code" not in came:
        raise Gone(f"the login was refused: {came.get('error_description') or came.get('error') or 'no code came'}")
    fields = {"grant_type": "authorization_code", "code": came["code"], "redirect_uri": redirect}
    return await exchange(client, **fields, code_verifier=verifier)


async def with_code(ask: Ask, client: Client, begin: str, scope: str) -> dict[str, Any]:
    """Log in with a code that is entered on any device (RFC 8628).

    Raises:
        Gone: nobody entered it in time, or the login is refused.
    """
    status, said = await _post(begin, {"client_id": client.id, "scope": scope})
    place, code = said.get("verification_uri_complete") or said.get("verification_uri"), said.get("user_code")
    if status != 200 or not code or not place or not said.get("device_code"):
        raise Gone(f"{begin} refused a login with a code (HTTP {status})")
    ask.say(f"Open {place} on any device and enter the code {code}")
    wait = _seconds(said.get("interval"), 5.0)
    fields = {"client_id": client.id, "grant_type": DEVICE, "device_code": str(said["device_code"])}
    try:
        async with asyncio.timeout(_seconds(said.get("expires_in"), PATIENCE)):
            while True:
                await asyncio.sleep(wait)
                status, given = await _post(client.tokens, fields)
                error = str(given.get("error") or "")
                if isinstance(given.get("access_token"), str):  # GitHub answers 200 in any case
                    return record_of(given, "", client.account)
                if error not in ("authorization_pending", "slow_down"):
                    raise Gone(f"the login was refused: {given.get('error_description') or error or f'HTTP {status}'}")
                wait += SLOWER if error == "slow_down" else 0.0
    except TimeoutError:
        raise Gone("nobody entered the code in time: log in again") from None


def record_of(
    said: Mapping[str, Any], refresh: str = "", account: Callable[[Mapping[str, Any]], str] = lambda claims: ""
) -> dict[str, Any]:
    """What to keep of an answer with tokens."""
    token = str(said["access_token"])
    claims = claims_of(token)
    seconds = said.get("expires_in")
    ends = time.time() + float(seconds) if isinstance(seconds, int | float) else float(claims.get("exp") or 0)
    whose = account(claims) or account(claims_of(str(said.get("id_token") or "")))
    made: dict[str, Any] = {
        "type": "oauth",
        "refresh": str(said.get("refresh_token") or refresh),
        "access": token,
        "expires": int((ends or time.time() + HOUR) * 1000),
    }
    return made | ({"accountId": whose} if whose else {})


def claims_of(token: str) -> dict[str, Any]:
    """What a JSON web token says; {} when it is none. Nobody here relies on it being true: the server checks."""
    try:
        part = token.split(".")[1]
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


async def _came(ask: Ask, listener: Listener, url: str) -> dict[str, str]:
    opened = await browse(ask, url)
    ask.say(f"{'Log in with the browser that has opened. If none has' if opened else 'Open this page'}: {url}")
    try:
        async with asyncio.timeout(PATIENCE):
            return await listener.came
    except TimeoutError:
        raise Gone(f"nobody logged in within {PATIENCE / 60:g} minutes") from None


async def _post(url: str, fields: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Send a form; status and what the answer says, {} when it says nothing."""
    import httpx2

    try:
        async with httpx2.AsyncClient(timeout=20) as client:
            answer = await client.post(url, data=dict(fields), headers={"accept": "application/json"})
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Gone(f"{url} cannot be reached ({type(error).__name__})") from None
    try:
        said = answer.json()
    except ValueError:
        said = None
    return answer.status_code, said if isinstance(said, dict) else {}


def _seconds(said: Any, otherwise: float) -> float:
    """A time that a server names; what makes no sense counts as not named."""
    good = isinstance(said, int | float) and not isinstance(said, bool) and 0 <= said < 1e6
    return float(said) if good else otherwise


async def _renewed(kept: Vault, client: Client) -> str:
    """A refresh token is good for one use: of several processes one makes it new, the others read what it got."""
    handle = await asyncio.to_thread(_locked, kept, client.way)
    try:
        record: Record | None = await asyncio.to_thread(kept.get, client.provider)
        if record is not None and not records.expired(record):
            return str(record["access"])
        refresh = str((record or {}).get("refresh") or "")
        try:
            made = await exchange(client, grant_type="refresh_token", refresh_token=refresh)
        except Gone as gone:
            sentence = f"the {client.name} login has ended and could not be renewed: {gone}"
            raise ModelError(ModelFault.CREDENTIAL, f"{sentence}; log in with `mimo setup {client.way}`") from None
        account = (record or {}).get("accountId")
        await asyncio.to_thread(kept.put, client.provider, ({"accountId": account} if account else {}) | made)
        return str(made["access"])
    finally:
        os.close(handle)


def _locked(kept: Vault, name: str) -> int:
    kept.data.mkdir(parents=True, exist_ok=True)
    handle = os.open(kept.data / f".{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle
