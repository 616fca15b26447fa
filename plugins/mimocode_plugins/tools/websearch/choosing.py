"""Which search service to use: the one in the settings, else one whose key is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

_KEYS = {"brave": ("BRAVE_API_KEY",), "exa": ("EXA_API_KEY",), "xiaomi": ("XIAOMI_API_KEY", "MIMO_API_KEY")}
_URLS = {
    "brave": "https://api.search.brave.com/res/v1/web/search",
    "exa": "https://mcp.exa.ai/mcp",
    "xiaomi": "https://api.xiaomimimo.com/v1",
}
_ORDER = ("brave", "exa", "xiaomi")
_MODEL = "mimo-v2.5-pro"
"""Searches on the MiMo platform when the session's own model is another's."""
_ANYONE = ("MIMOCODE_ENABLE_EXA", "MIMOCODE_EXPERIMENTAL_EXA")
"""Variables by which somebody without a key asks Exa, which answers a few questions of anyone."""
_NONE = (
    'No search service is set up. The user can set one: "websearch" in the settings, with "provider" searxng (and '
    '"url"), brave, exa or xiaomi, or BRAVE_API_KEY, EXA_API_KEY or XIAOMI_API_KEY.'
)
_NO_CODE = "codesearch needs a key of Exa: the user can set EXA_API_KEY. Search in what is installed here instead."


@dataclass(frozen=True)
class Service:
    """A search service: where it is, its key, and the model that searches when it is one."""

    provider: str
    url: str
    key: str = ""
    model: str = ""


async def choose(session: Session) -> Service:
    """The service for `websearch`.

    Raises:
        ToolFailed: there is none, or the one in the settings cannot be used; with what is missing.
    """
    host = session.host
    given = host.settings["websearch"]
    provider = given.get("provider") or ("searxng" if given.get("url") else "")
    if provider not in ("", "searxng", *_KEYS):
        raise ToolFailed(f'"websearch.provider" must be searxng, brave, exa or xiaomi, not "{provider}".')
    if provider == "searxng":
        if not (url := given.get("url", "")).startswith(("http://", "https://")):
            raise ToolFailed('SearXNG needs "websearch.url", the address of an instance.')
        return Service(provider, url.rstrip("/"))
    of_model = session.model_ref.partition("/")[0]
    names = [provider] if provider else sorted(_ORDER, key=lambda name: name != of_model)
    for name in names:
        if service := await _with_key(host, session.model_ref, name):
            return service
    if provider in ("", "exa") and any(_set(host, name) for name in _ANYONE):
        return Service("exa", given.get("url") or _URLS["exa"])
    raise ToolFailed(f"There is no key for {provider}; set {_KEYS[provider][0]}." if provider else _NONE)


async def choose_code(session: Session) -> Service:
    """The service for `codesearch`, which only Exa has.

    Raises:
        ToolFailed: there is no key.
    """
    host = session.host
    if service := await _with_key(host, session.model_ref, "exa"):
        return service
    if any(_set(host, name) for name in _ANYONE):
        return Service("exa", _URLS["exa"])
    raise ToolFailed(_NO_CODE)


async def _with_key(host: Host, model: str, name: str) -> Service | None:
    given = host.settings["websearch"]
    own = _options(host, name)
    found = (host.environ.get(variable, "").strip() for variable in _KEYS[name])
    key = str(own.get("apiKey") or "").strip() or next(filter(None, found), "") or await host.credential(name)
    if not key:
        return None
    url = given.get("url", "") if given.get("provider") == name else ""
    provider, _, wanted = model.partition("/")
    model = given.get("model") or (wanted if provider == name else _MODEL) if name == "xiaomi" else ""
    return Service(name, str(url or own.get("baseURL") or _URLS[name]).rstrip("/"), key, model)


def _options(host: Host, provider: str) -> Mapping[str, Any]:
    """What the settings say of a provider of models that also searches."""
    if "provider" not in host.settings:
        return {}
    said = host.settings["provider"]
    section = said.get(provider) if isinstance(said, Mapping) else None
    options = section.get("options") if isinstance(section, Mapping) else None
    return options if isinstance(options, Mapping) else {}


def _set(host: Host, variable: str) -> bool:
    return host.environ.get(variable, "").lower() in ("1", "true")
