"""Which search service to use: the one in the settings, else one whose key is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mimocode.host import Host

_KEYS = {"brave": "BRAVE_API_KEY", "exa": "EXA_API_KEY"}
_URLS = {"brave": "https://api.search.brave.com/res/v1/web/search", "exa": "https://api.exa.ai/search"}


@dataclass(frozen=True)
class Service:
    """A search service: where it is, and its key."""

    provider: str
    url: str
    key: str = ""


async def choose(host: Host) -> Service | str | None:
    """The service, a sentence on why the one that is named cannot be used, or None when there is none."""
    given = host.settings["websearch"]
    provider = given.get("provider") or ("searxng" if given.get("url") else "")
    if provider not in ("", "searxng", *_KEYS):
        return f'websearch is off: "websearch.provider" must be searxng, brave or exa, not "{provider}"'
    if provider == "searxng":
        url = given.get("url", "")
        if not url.startswith(("http://", "https://")):
            return 'websearch is off: SearXNG needs "websearch.url", the address of an instance'
        return Service(provider, url.rstrip("/"))
    for name, variable in _KEYS.items():
        if provider in ("", name) and (key := host.environ.get(variable) or await host.credential(name)):
            return Service(name, given.get("url") or _URLS[name], key)
    return f"websearch is off: there is no key for {provider}; set {_KEYS[provider]}" if provider else None
