"""The public list of models (the shape of models.dev): read from a file, or fetched when the user asks for it.

A list is never fetched on its own. `MIMOCODE_MODELS_PATH` names a file that is read instead of what was fetched.
Source: surface.md 5.1.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mimocode.errors import MimoError, SettingsError

from .catalogue import BASES, WIRES

if TYPE_CHECKING:
    from mimocode.host import Host

PUBLIC = "https://models.dev"
WAIT = 10.0
"""Seconds for the list to arrive."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a list."""


def address(host: Host) -> str:
    """Where the list is fetched from; "" when fetching is switched off."""
    if host.environ.get("MIMOCODE_DISABLE_MODELS_FETCH", "").lower() in ("1", "true"):
        return ""
    return (host.environ.get("MIMOCODE_MODELS_URL", "").strip() or PUBLIC).rstrip("/") + "/api.json"


def kept(host: Host) -> Path:
    """Where the fetched list is kept: one file for each address."""
    base = host.environ.get("MIMOCODE_MODELS_URL", "").strip().rstrip("/")
    mark = "" if base in ("", PUBLIC) else "-" + sha256(base.encode()).hexdigest()[:16]
    return Path(host.paths.cache) / f"models{mark}.json"


def known(host: Host) -> dict[str, dict[str, Any]]:
    """The providers of the list by id, in the shape of the `provider` section; empty without a list.

    Raises:
        SettingsError: the file that the user named cannot be read, or is no such list.
    """
    named = host.environ.get("MIMOCODE_MODELS_PATH", "").strip()
    path = Path(named).expanduser() if named else kept(host)
    try:
        return _providers(path.read_bytes(), host)
    except OSError as error:
        if named:
            raise SettingsError(f"MIMOCODE_MODELS_PATH: cannot read {path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        if named:
            raise SettingsError(f"MIMOCODE_MODELS_PATH: {path} is not a list of models: {error}") from None
    return {}


async def fetch(host: Host) -> int:
    """Fetch the list and keep it. How many models it has; 0 when fetching is switched off.

    Raises:
        MimoError: it did not arrive, or makes no sense; the former one stays.
    """
    if not (url := address(host)):
        return 0
    import httpx2

    try:
        async with httpx2.AsyncClient(timeout=WAIT, follow_redirects=True) as client:
            answer = await client.get(url, headers={"accept": "application/json"})
            answer.raise_for_status()
        if len(answer.content) > LARGEST:
            raise MimoError(f"the list of models at {url} is larger than {LARGEST // 1024 // 1024} MiB")
        found = _providers(answer.content, host)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise MimoError(f"the list of models did not come from {url}: {error or type(error).__name__}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MimoError(f"what came from {url} is not a list of models: {error}") from None
    path = kept(host)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    # only what is used: the whole would be read at every start
    fresh.write_bytes(msgspec.json.encode(found))
    fresh.replace(path)
    return sum(len(provider["models"]) for provider in found.values())


_ABOUT = ("id", "name", "status", "cost", "limit", "modalities", "reasoning", "temperature", "tool_call", "interleaved")
_FIELDS = (*_ABOUT, "provider", "options", "headers")


def _providers(text: bytes, host: Host) -> dict[str, dict[str, Any]]:
    given = msgspec.json.decode(text, type=dict[str, dict[str, Any]])
    alpha = host.environ.get("MIMOCODE_ENABLE_EXPERIMENTAL_MODELS", "").lower() in ("1", "true")
    made: dict[str, dict[str, Any]] = {}
    for name, provider in given.items():
        models = msgspec.convert(provider.get("models") or {}, dict[str, dict[str, Any]])
        offered = {k: v for key, record in models.items() for k, v in _modes(key, record) if _offered(v, alpha)}
        if offered:
            about = {key: provider[key] for key in ("name", "npm", "api", "env") if provider.get(key)}
            made[name] = {**about, "models": offered}
    return made


def _offered(record: Mapping[str, Any], alpha: bool) -> bool:
    status = record.get("status")
    return status != "deprecated" and (alpha or status != "alpha")


def _modes(key: str, record: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A model, and one more for each of its modes: the same with something in the request and another price."""
    plain = {name: value for name, value in record.items() if name in _FIELDS}
    yield key, plain
    experimental = record.get("experimental")
    modes = experimental.get("modes") if isinstance(experimental, Mapping) else None
    for name, mode in (modes or {}).items():
        sent = mode.get("provider") or {}
        more = {"options": sent.get("body") or {}, "headers": sent.get("headers") or {}}
        about = {"id": record.get("id", key), "name": f"{record.get('name', key)} {name.title()}"}
        yield f"{key}-{name}", {**plain, **about, **more, **({"cost": mode["cost"]} if "cost" in mode else {})}


def laid_over(shipped: Mapping[str, Any], listed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The shipped catalogue with the list over it.

    How a shipped provider is reached stays: it is tried here. Of the others those join whose adapter is known.
    """
    made = dict(shipped)
    for name, provider in listed.items():
        if own := made.get(name):
            models = {**own.get("models", {})}
            for key, record in provider["models"].items():
                # not another address: the key would go there
                models[key] = {**models.get(key, {}), **{k: v for k, v in record.items() if k != "provider"}}
            made[name] = {**own, "models": models}
        else:
            adapter = str(provider.get("npm", "")).removeprefix("@ai-sdk/")
            if adapter in WIRES and (provider.get("api") or adapter in BASES):
                made[name] = provider
    return made
