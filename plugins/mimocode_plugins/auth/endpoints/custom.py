"""An endpoint that no catalogue knows: six questions, of which most answer themselves (surface.md 5.6)."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .. import records
from ..vault import vault
from ..ways import Ask, Gone, own_settings
from .key import clean
from .local import listed

if TYPE_CHECKING:
    from mimocode.host import Host

_ID = re.compile(r"[0-9a-z][0-9a-z-]*")
WIRES = (
    ("@ai-sdk/openai-compatible", "OpenAI Chat Completions (most servers)"),
    ("@ai-sdk/openai", "OpenAI Responses"),
    ("@ai-sdk/anthropic", "Anthropic Messages"),
)


async def run(ask: Ask, host: Host) -> str:
    """Ask where it is, write it to the user's settings, keep the key.

    Raises:
        Gone: an answer makes no sense, or another provider has that name and is to stay.
    """
    base, hostname = addressed(await ask.text("Where does its API begin? (such as http://localhost:8000/v1)"))
    name = (await ask.text("What do you call it?", suggested(hostname))).strip()
    if not _ID.fullmatch(name):
        raise Gone(f"{name!r} is no name of a provider: small letters, digits and -")
    own = own_settings(host)
    if own.value(["provider", name]) is not None and not await ask.agree(
        f"Your settings have a provider {name} already. Describe it anew?"
    ):
        raise Gone(f"the provider {name!r} in {own.path} stays as it is: choose another name")
    wire = await ask.choose("What does it speak?", WIRES)
    key = (await ask.secret("API key (not shown; empty for none)")).strip()
    key = clean(key) if key else ""  # before more is asked
    base, models, why = await _found(base, key, anthropic=wire == "@ai-sdk/anthropic")
    if models:
        model = await ask.choose("Which model?", [(each, each) for each in models])
    else:
        model = (await ask.text(f"Which model? It did not list them{why}; write its name")).strip()
    if not model:
        raise Gone("without the name of a model nothing can be asked")
    window = models.get(model, 0) or await _window(ask)
    record: dict[str, Any] = {"name": model} | ({"limit": {"context": window}} if window else {})
    section: dict[str, Any] = {"name": name, "npm": wire, "options": {"baseURL": base}, "models": {model: record}}
    if key:
        section["env"] = [f"{re.sub(r'[^A-Z0-9]', '_', name.upper())}_API_KEY"]
        place = await asyncio.to_thread(vault(host).put, name, records.key(key))
        ask.say(f"The key is kept in {place}.")
    await asyncio.to_thread(own.put, ["provider", name], section)
    ask.say(f"The provider is described in {own.path}.")
    return f"{name}/{model}"


async def _found(base: str, key: str, *, anthropic: bool) -> tuple[str, dict[str, int], str]:
    """Where the API begins, its models, and why it lists none where that is the key: people leave out the version."""
    versioned = re.search(r"/v\d", urlsplit(base).path)
    status = 0
    for place in (base,) if versioned else (base, f"{base}/v1"):
        models, status = await listed(place, key, anthropic=anthropic)
        if models:
            return place, models, ""
    wrong = "is the key right?" if key else "it wants a key"
    return base, {}, f" (HTTP {status}: {wrong})" if status in (401, 403) else ""


def addressed(said: str) -> tuple[str, str]:
    """An address as typed, and its host; where the beginning is missing, this machine and numbers are asked plainly.

    Raises:
        Gone: it is none.
    """
    base = said.strip().rstrip("/")
    if "://" not in base:
        here = re.match(r"(?:localhost|[\d.]+|\[[\da-fA-F:]+\]|[\w-]+)(?::\d+)?(?:/|$)", base)
        base = f"{'http' if here else 'https'}://{base}"
    with suppress(ValueError):
        parts = urlsplit(base)
        if parts.scheme in ("http", "https") and parts.hostname and not re.search(r"\s", base) and parts.port != 0:
            return base, parts.hostname
    raise Gone(f"{said.strip()!r} is no address: write one like https://api.example.org/v1")


def suggested(hostname: str) -> str:
    """A name for a provider at an address: the word before the ending."""
    words = [word for word in hostname.lower().split(".") if word not in ("", "api", "www")] or ["own"]
    word = "local" if re.fullmatch(r"[\d.:]+|localhost", hostname) else words[-2] if len(words) > 1 else words[0]
    return re.sub(r"[^0-9a-z-]", "-", word).strip("-") or "own"


async def _window(ask: Ask) -> int:
    """What the user says that it takes; 0 for unknown."""
    while said := (await ask.text("How many tokens does it take? (131072, 128K, 1M; empty: unknown)")).strip():
        if number := _number(said):
            return number
        ask.say(f"{said!r} is no number of tokens.")
    return 0


def _number(said: str) -> int:
    """A number of tokens: "131072", "128K", "1M"; 0 when it is none."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmM]?)\s*", said)
    return int(float(found[1]) * {"": 1, "k": 1000, "m": 1_000_000}[found[2].lower()]) if found else 0
