"""The anonymous channel (surface.md 5.8): a hash of this machine for a token that lives for an hour.

Nothing is sent before the user has agreed; the consent is a file of the data directory, and taking it away ends it.
"""

from __future__ import annotations

import asyncio
import base64
import getpass
import hashlib
import json
import os
import platform
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mimocode.errors import ModelError, ModelFault
from mimocode.ports import StashKey

from ..ways import Ask, Gone, own_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mimocode.host import Host

PROVIDER, MODEL = "mimo", "mimo-auto"
BASE = "https://api.xiaomimimo.com"
LIFE = 50 * 60.0
"""Seconds that a token is used when it does not say."""
EARLY = 300.0
_ENDED = re.compile(r"\b(ended|sunset|discontinued|retired|shut ?down|no longer)\b|下线|停止|结束", re.IGNORECASE)
TERMS = (
    "MiMo Auto needs no account. What you say and the files that the agent reads go to Xiaomi's free service, which "
    "may keep them and may limit you. A hash of this machine's name, processor and your user name tells you apart."
)


@dataclass
class _Ticket:
    text: str = field(default="", repr=False)
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_ticket: StashKey[_Ticket] = StashKey("auth.anonymous.ticket")


def place(environ: Mapping[str, str]) -> str:
    """Where the service is."""
    return (environ.get("MIMO_FREE_BASE_URL") or BASE).rstrip("/")


def consent(host: Host) -> Path:
    """The file that says that the user agreed; it holds the hash that is sent."""
    return host.paths.data / "mimo-free-client"


async def run(ask: Ask, host: Host) -> str:
    """Ask for consent, see whether the service runs, describe the provider.

    Raises:
        Gone: the user does not agree, or the service has ended or cannot be reached.
    """
    ask.say(TERMS)
    if not await ask.agree("Do you agree?"):
        raise Gone("without your consent nothing was sent")
    client = await asyncio.to_thread(_client)
    await bootstrap(host, client)
    path = consent(host)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(client)
    record = {
        "name": "MiMo Auto",
        "limit": {"context": 1_000_000, "output": 128_000},
        "modalities": {"input": ["text", "image"], "output": ["text"]},
    }
    section = {
        "name": "MiMo Auto",
        "npm": "@ai-sdk/openai-compatible",
        "env": ["MIMO_FREE_TOKEN"],
        "options": {"baseURL": f"{place(host.environ)}/api/free-ai/openai"},
        "models": {MODEL: record},
    }
    own = own_settings(host)
    if own.value(["provider", PROVIDER]) is None:
        await asyncio.to_thread(own.put, ["provider", PROVIDER], section)
    return f"{PROVIDER}/{MODEL}"


async def token(host: Host) -> str | None:
    """A token that is still good; None without consent. One request for all who want one.

    Raises:
        ModelError: the service has ended or cannot be reached.
    """
    try:
        client = consent(host).read_text("utf-8").strip()
    except OSError:
        return None
    ticket = host.stash.setdefault(_ticket, _Ticket())
    async with ticket.lock:
        renew = host.options.pop("renew_credential", "") == PROVIDER
        if renew or ticket.until - EARLY < time.time():
            try:
                ticket.text, ticket.until = await bootstrap(host, client)
            except Gone as gone:
                raise ModelError(ModelFault.CREDENTIAL, str(gone)) from None
        return str(ticket.text)


async def bootstrap(host: Host, client: str) -> tuple[str, float]:
    """A token and when it ends, in seconds since 1970.

    Raises:
        Gone: the service has ended, refuses or cannot be reached.
    """
    import httpx2

    url = f"{place(host.environ)}/api/free-ai/bootstrap"
    try:
        async with httpx2.AsyncClient(timeout=20) as connection:
            answer = await connection.post(url, json={"client": client})
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Gone(f"MiMo Auto cannot be reached at {url} ({type(error).__name__})") from None
    said = _words(answer.text)
    if answer.status_code in (404, 410, 451) or (answer.status_code != 200 and _ENDED.search(said)):
        raise Gone("MiMo Auto has ended: its service is gone. The MiMo platform gives you a key, or take another way")
    try:
        jwt = answer.json()["jwt"] if answer.status_code == 200 else None
    except (ValueError, KeyError, TypeError):
        jwt = None
    if not isinstance(jwt, str) or not jwt:
        ended = "; it has ended" if _ENDED.search(said) else ""
        raise Gone(f"MiMo Auto gave no access (HTTP {answer.status_code}){ended}")
    return jwt, _ends(jwt)


def _words(text: str) -> str:
    """What an answer says, also where its characters are escaped."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)[:4000]
    except (ValueError, RecursionError):
        return text[:4000]


def _ends(jwt: str) -> float:
    try:
        part = jwt.split(".")[1]
        said: Any = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(said["exp"])
    except (IndexError, ValueError, KeyError, TypeError):
        return time.time() + LIFE


def _client() -> str:
    """The hash that tells users of the service apart."""
    cpu = platform.processor() or platform.machine()
    parts = (platform.node(), platform.system(), platform.machine(), cpu, getpass.getuser())
    return hashlib.sha256("|".join(parts).encode()).hexdigest()
