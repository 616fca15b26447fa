"""From settings and the built-in catalogue to "where, with which key, over which wire" (surface.md 5.1 to 5.4)."""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mimocode.errors import ModelError, ModelFault, SettingsError
from mimocode.messages import Usage
from mimocode.ports import ModelInfo

from . import groups, manifest
from .catalogue import WIRES, Wire
from .catalogue import Entry as Entry
from .catalogue import Provider as Provider
from .catalogue import address as address
from .catalogue import is_local as is_local
from .faults import Asked

if TYPE_CHECKING:
    from mimocode.host import Host

    from .http import Timeouts

WINDOW = 1_000_000
"""Tokens assumed when nobody says how large the window is (surface.md 5.1)."""
LONG = 200_000
"""Tokens of input above which some models cost more (`cost.context_over_200k` of a record)."""
OWN = 100
"""How good a choice the models of a provider are that only the settings know: before all that is shipped."""
OUTPUT = 32_000
"""Tokens of an answer that are asked for at most, unless MIMOCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX says otherwise."""


@dataclass(frozen=True)
class Target:
    """All that a wire needs to ask one model."""

    ref: str
    provider: Provider
    model: Entry
    wire: Wire
    asked: Asked
    key: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """The user's, without the key."""
    timeouts: Timeouts
    output_cap: int = OUTPUT
    """Tokens of an answer that are asked for at most."""

    @property
    def window(self) -> int:
        """Tokens, assumed when unknown."""
        return self.model.limit("context") or WINDOW

    @property
    def body(self) -> Mapping[str, Any]:
        """What the user wants in every request body (`models.<id>.options`)."""
        return self.model.record.get("options") or {}

    def variant(self, name: str) -> Mapping[str, Any]:
        """A named set of options of this model; empty when there is none or it is disabled."""
        found = (self.model.record.get("variants") or {}).get(name) or {}
        return {} if found.get("disabled") else found


def providers(host: Host) -> dict[str, Provider]:
    """Every provider that settings allow, by id: the catalogue, what was refreshed, and the settings over both."""
    shipped = msgspec.json.decode(files(__package__).joinpath("providers.json").read_bytes())
    merged = manifest.laid_over(shipped, manifest.known(host))
    for name, section in _section(host).items():
        if name not in merged:
            section = {**section, "models": {k: {"rank": OWN, **v} for k, v in (section.get("models") or {}).items()}}
        known = merged.get(name, {})
        if section.get("only_configured_models"):
            known = {**known, "models": {}, "open": False}
        merged[name] = _over(known, section)
    enabled, disabled = _setting(host, "enabled_providers"), _setting(host, "disabled_providers") or ()
    allowed = {k: v for k, v in merged.items() if k not in disabled and (not enabled or k in enabled)}
    return {k: Provider(k, _refreshed(host, k, v)) for k, v in allowed.items()}


async def key_of(provider: Provider, host: Host) -> str:
    """The key of a provider: from its options, from what knows credentials, from the environment; "" without one."""
    if key := provider.options.get("apiKey"):
        return str(key).strip()
    if key := await host.credential(provider.id):
        return str(key).strip()
    if not (_flag(host, "MIMOCODE_DISABLE_PROVIDER_ENV") or _flag(host, "MIMOCODE_MIMO_ONLY")):
        for name in provider.env:
            if key := host.environ.get(name, "").strip():
                return key
    return ""


async def find(ref: str, host: Host, wires: Collection[Wire]) -> Target | None:
    """Where to ask for "provider/model"; None when these wires do not lead there.

    Raises:
        ModelError: they would, but a key or an address is missing.
    """
    provider_id, _, model = ref.partition("/")
    provider = providers(host).get(provider_id)
    if provider is None or not model:
        return None
    entry = provider.entry(model)
    wire = entry.wire
    if wire is None or wire not in wires or not (provider.open or model in (e.id for e in provider.entries())):
        return None
    asked = Asked(provider_id, entry.wire_id, address(entry.base, wire), provider.key_hint())
    if not entry.base:
        sentence = f"provider {provider_id} has no address: set provider.{provider_id}.options.baseURL"
        raise ModelError(ModelFault.NOT_FOUND, sentence)
    key = await key_of(provider, host)
    if not key and not provider.keyless():
        raise asked.no_key()
    headers = {**(provider.options.get("headers") or {}), **(entry.record.get("headers") or {})}
    secrets = (key, *headers.values()) if key else tuple(headers.values())
    asked = Asked(asked.provider, asked.model, asked.url, asked.key_hint, tuple(s for s in secrets if len(s) > 7))
    cap = host.environ.get("MIMOCODE_EXPERIMENTAL_OUTPUT_TOKEN_MAX", "")
    return Target(
        ref,
        provider,
        entry,
        wire,
        asked,
        key,
        headers,
        _timeouts(provider.options),
        int(cap) if cap.isdigit() and int(cap) else OUTPUT,
    )


def unknown(ref: str, host: Host) -> ModelError:
    """Why nobody opens this reference, in one sentence with the nearest name that exists."""
    provider_id, slash, model = ref.partition("/")
    known = providers(host)
    if not slash or not model:
        every = [f"{p.id}/{e.id}" for p in known.values() for e in p.entries()]
        every += [*groups.configured(host), *groups.TIERS]
        ends = [full for full in every if full.endswith("/" + ref)] or difflib.get_close_matches(ref, every, 1, 0.5)
        return _not_found(f"a model is named provider/model, not {ref!r}", ends[:1])
    if (provider := known.get(provider_id)) is None:
        if provider_id in (_setting(host, "disabled_providers") or ()) or _setting(host, "enabled_providers"):
            return _not_found(f"provider {provider_id!r} is unknown or switched off in the settings", ())
        near = difflib.get_close_matches(provider_id, list(known), 1)
        return _not_found(f"no provider {provider_id!r}", [f"{name}/{model}" for name in near])
    entry = provider.entry(model)
    if entry.wire is None:
        return ModelError(
            ModelFault.NOT_FOUND,
            f"provider {provider_id} wants the adapter {entry.npm}, which is not known here; "
            f"known are {', '.join(sorted('@ai-sdk/' + name for name in WIRES))}",
        )
    ids = [e.id for e in provider.entries()]
    near = difflib.get_close_matches(model, ids, 1, 0.5)
    return _not_found(f"{provider_id} has no model {model!r}", [f"{provider_id}/{name}" for name in near])


async def listed(host: Host, wires: Collection[Wire]) -> list[ModelInfo]:
    """The models that these wires can open."""
    found: list[ModelInfo] = []
    for provider in providers(host).values():
        entries = [entry for entry in provider.entries() if entry.wire in wires]
        ready = bool(entries) and (provider.keyless() or bool(await key_of(provider, host)))
        found += [entry.info(f"{provider.id}/{entry.id}", ready) for entry in entries]
    return found


def refresh_file(host: Host, provider_id: str) -> Path:
    """Where the models that a live endpoint listed are kept."""
    return Path(host.paths.cache) / "models" / f"{provider_id.replace('/', '_')}.json"


def keep_refreshed(host: Host, provider_id: str, models: Mapping[str, Mapping[str, Any]]) -> None:
    """Remember what a live endpoint offers, as records by id."""
    path = refresh_file(host, provider_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.tmp")
    fresh.write_bytes(msgspec.json.encode(models))
    fresh.replace(path)


def costed(usage: Usage, info: ModelInfo) -> Usage:
    """The usage with what it costs. Cached tokens are part of the input and cheaper where a price says so."""
    if not info.price:
        return usage
    long = usage.input > LONG
    price = {key: info.price.get(f"{key}_long", value) if long else value for key, value in info.price.items()}
    fresh = max(0, usage.input - usage.cache_read - usage.cache_write)
    inputs = fresh * price.get("input", 0.0)
    inputs += usage.cache_read * price.get("cache_read", price.get("input", 0.0))
    inputs += usage.cache_write * price.get("cache_write", price.get("input", 0.0))
    cost = (inputs + usage.output * price.get("output", 0.0)) / 1_000_000
    return msgspec.structs.replace(usage, cost=round(cost, 9))


def _timeouts(options: Mapping[str, Any]) -> Timeouts:
    from .http import Timeouts

    def seconds(value: Any, default: float | None) -> float | None:
        return default if value is None else None if value is False else float(value) / 1000

    first = seconds(options.get("headerTimeout"), seconds(options.get("timeout"), Timeouts.first))
    return Timeouts(first=first, between=seconds(options.get("chunkTimeout"), Timeouts.between))


def _refreshed(host: Host, name: str, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with the models of the last refresh below those that it has."""
    path = refresh_file(host, name)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, Any]])
    except (OSError, msgspec.MsgspecError):
        return record
    if record.get("only_configured_models"):
        return record
    return {**record, "models": _over(found, record.get("models") or {}), "open": record.get("open", False)}


def _over(below: Any, above: Any) -> Any:
    """One JSON value laid over another, objects merged."""
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{k: _over(below[k], v) if k in below else v for k, v in above.items()}}
    return above


def _section(host: Host) -> Mapping[str, Any]:
    """The `provider` section as written, once it is known to make sense.

    Raises:
        SettingsError: it does not; with file and line.
    """
    if "provider" not in host.settings:
        return {}
    # as written if that can be had: reading the value would import what validates it
    written = getattr(host.settings, "data", None)
    section = _setting(host, "provider") if written is None else written.get("provider")
    if not section:
        return {}
    from . import settings

    try:
        msgspec.convert(section, settings.Providers)
    except msgspec.ValidationError:
        # the settings know where it was written, and say so
        if not isinstance(host.settings["provider"], dict):
            raise
    if wrong := settings.misspelt(section):
        raise SettingsError(wrong, _where(host, wrong.split()[0]))
    return dict(section)


def _where(host: Host, key: str) -> str:
    """The file and line that set a dotted key; "" where settings have no files."""
    path = tuple(key.split("."))
    layers = [layer for layer in getattr(host.settings, "layers", ()) if path[1] in (layer.data.get(path[0]) or {})]
    return str(layers[-1].where(path)) if layers else ""


def _setting(host: Host, name: str) -> Any:
    """A setting whose plugin may be switched off."""
    return host.settings[name] if name in host.settings else None  # noqa: SIM401


def _flag(host: Host, name: str) -> bool:
    return host.environ.get(name, "").lower() in ("1", "true")


def _not_found(what: str, near: Collection[str]) -> ModelError:
    guess = f"; did you mean {next(iter(near))}?" if near else "."
    return ModelError(ModelFault.NOT_FOUND, f"{what}{guess} `mimo models --all` lists what is known")
