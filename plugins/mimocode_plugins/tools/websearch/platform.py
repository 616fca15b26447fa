"""Search on the MiMo platform: a model that searches answers a question and names its sources (surface.md 6.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from .asking import Wish, entry, fetched, nonsense
from .choosing import Service

_LIMIT = 5
"""Results of one search, at most."""


async def answered(service: Service, wish: Wish) -> str:
    """The answer and a list of its sources.

    Raises:
        ToolFailed: the platform does not answer, refuses (409: the quota is used up), or makes no sense.
    """
    body = {
        "model": service.model,
        "messages": [{"role": "user", "content": wish.query}],
        "tools": [{"type": "web_search", "limit": min(wish.count, _LIMIT), "force_search": True}],
        "thinking": {"type": "disabled"},
        "stream": False,
    }
    headers = {"api-key": service.key}
    request = httpx2.Request("POST", f"{service.url}/chat/completions", json=body, headers=headers)
    response = await fetched(service, request, wish.seconds)
    try:
        message = response.json()["choices"][0]["message"]
        text = str(message.get("content") or "").strip()[: wish.characters]
        found = [
            entry(n, s.get("title") or s.get("site_name"), s["url"], s.get("summary"))
            for n, s in enumerate(_sources(message), 1)
        ]
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise nonsense(service) from None
    return "\n\n".join(part for part in (text, "Sources:\n" + "\n".join(found) if found else "") if part)


def _sources(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a message cites, each address once."""
    seen = set()
    for cited in message.get("annotations") or ():
        source = cited.get("url_citation") or cited
        if source["url"] not in seen:
            seen.add(source["url"])
            yield source
