"""Tokens of a ChatGPT login: exchanged, read, made new (surface.md 5.9; OAuth 2.0, RFC 6749 and 7636)."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import json
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mimocode.errors import ModelError, ModelFault

from .. import records
from ..vault import Vault, vault
from ..ways import Gone

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..records import Record

PROVIDER = "openai"
ISSUER = "https://auth.openai.com"
CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"
"""The public client of Codex; it has no secret."""
CLAIMS = "https://api.openai.com/auth"
HOUR = 3600.0


def issuer(environ: Mapping[str, str]) -> str:
    """Where one logs in; MIMOCODE_CHATGPT_ISSUER names another place, such as a company's gateway."""
    return (environ.get("MIMOCODE_CHATGPT_ISSUER") or ISSUER).rstrip("/")


async def access(host: Host) -> str | None:
    """The access token of the login that is kept; None when there is none.

    Raises:
        ModelError: it has ended and cannot be made new.
    """
    kept = vault(host)
    if PROVIDER not in kept.names():
        return None
    record = await asyncio.to_thread(kept.get, PROVIDER)
    if record is None or record["type"] != "oauth":
        return None
    if not records.expired(record):
        return str(record["access"]) or None
    return await _renewed(host, kept)


async def exchange(environ: Mapping[str, str], **fields: str) -> dict[str, Any]:
    """Tokens for a code or an older token, as a record.

    Raises:
        Gone: they are refused, or the place cannot be reached.
    """
    import httpx2

    url = f"{issuer(environ)}/oauth/token"
    try:
        async with httpx2.AsyncClient(timeout=20) as client:
            answer = await client.post(url, data={"client_id": CLIENT, **fields})
            said = answer.json() if answer.status_code == 200 else None
    except (httpx2.HTTPError, ValueError) as error:
        raise Gone(f"{url} cannot be reached ({type(error).__name__})") from None
    if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
        raise Gone(f"{url} refused (HTTP {answer.status_code})")
    return record_of(said, fields.get("refresh_token", ""))


def record_of(said: Mapping[str, Any], refresh: str = "") -> dict[str, Any]:
    """What to keep of an answer with tokens."""
    token = str(said["access_token"])
    claims = claims_of(token)
    seconds = said.get("expires_in")
    ends = time.time() + float(seconds) if isinstance(seconds, int | float) else float(claims.get("exp") or 0)
    account = _account(claims) or _account(claims_of(str(said.get("id_token") or "")))
    made: dict[str, Any] = {
        "type": "oauth",
        "refresh": str(said.get("refresh_token") or refresh),
        "access": token,
        "expires": int((ends or time.time() + HOUR) * 1000),
    }
    return made | ({"accountId": account} if account else {})


def claims_of(token: str) -> dict[str, Any]:
    """What a JSON web token says; {} when it is none. Nobody here relies on it being true: the server checks."""
    try:
        part = token.split(".")[1]
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _account(claims: Mapping[str, Any]) -> str:
    inner = claims.get(CLAIMS)
    found = inner.get("chatgpt_account_id") if isinstance(inner, dict) else None
    return str(found or claims.get("chatgpt_account_id") or "")


async def _renewed(host: Host, kept: Vault) -> str:
    """A refresh token is good for one use: of several processes one makes it new, the others read what it got."""
    handle = await asyncio.to_thread(_locked, kept)
    try:
        record: Record | None = await asyncio.to_thread(kept.get, PROVIDER)
        if record is not None and not records.expired(record):
            return str(record["access"])
        refresh = str((record or {}).get("refresh") or "")
        try:
            made = await exchange(host.environ, grant_type="refresh_token", refresh_token=refresh)
        except Gone as gone:
            sentence = f"the ChatGPT login has ended and could not be renewed: {gone}; log in with `mimo setup chatgpt`"
            raise ModelError(ModelFault.CREDENTIAL, sentence) from None
        account = (record or {}).get("accountId")
        await asyncio.to_thread(kept.put, PROVIDER, ({"accountId": account} if account else {}) | made)
        return str(made["access"])
    finally:
        os.close(handle)


def _locked(kept: Vault) -> int:
    kept.data.mkdir(parents=True, exist_ok=True)
    handle = os.open(kept.data / ".chatgpt.lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle
