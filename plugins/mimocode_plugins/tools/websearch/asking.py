"""Ask a search service. Each has its own words; what comes back is text with titles, addresses, excerpts."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx2

from mimocode.errors import ToolFailed

from .choosing import Service

MOST = 20
SECONDS, MOST_SECONDS = 25.0, 120.0
_EXCERPT = 500

Kind = Literal["auto", "fast", "deep"]
Crawl = Literal["fallback", "preferred"]


@dataclass(frozen=True)
class Wish:
    """What is wanted. Services that know nothing of a wish pass it over."""

    query: str
    count: int = 8
    livecrawl: Crawl = "fallback"
    kind: Kind = "auto"
    characters: int | None = None
    """Of all results together."""
    seconds: float = SECONDS


async def search(service: Service, wish: Wish) -> str:
    """What a service found, "" if nothing.

    Raises:
        ToolFailed: the service does not answer, refuses, or makes no sense.
    """
    match service.provider:
        case "exa":
            from .exa import web

            return await web(service, wish)
        case "xiaomi":
            from .platform import answered

            return await answered(service, wish)
    lines = _listed(service, wish, await fetched(service, _request(service, wish), wish.seconds))
    return "\n".join(lines)[: wish.characters]


async def fetched(service: Service, request: httpx2.Request, seconds: float) -> httpx2.Response:
    """The answer to one request.

    Raises:
        ToolFailed: there is none, or it is not 200.
    """
    try:
        async with httpx2.AsyncClient(timeout=seconds) as client:
            response = await client.send(request)
    except httpx2.HTTPError as error:
        raise ToolFailed(f"The search service {service.provider} does not answer: {type(error).__name__}.") from None
    if response.status_code != 200:
        raise ToolFailed(_refused(service, response.status_code))
    return response


def nonsense(service: Service) -> ToolFailed:
    """An answer that nobody can read."""
    return ToolFailed(f"The search service {service.provider} answered with something that makes no sense.")


def line(text: Any) -> str:
    """A text as one line, without markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]{1,40}>", "", str(text or "")))).strip()


def entry(number: int, title: Any, url: Any, excerpt: Any) -> str:
    """One result."""
    return f"{number}. {line(title)}\n   {url}\n   {line(excerpt)[:_EXCERPT]}".rstrip()


def _request(service: Service, wish: Wish) -> httpx2.Request:
    if service.provider == "searxng":
        return httpx2.Request("GET", f"{service.url}/search", params={"q": wish.query, "format": "json"})
    headers = {"X-Subscription-Token": service.key, "Accept": "application/json"}
    return httpx2.Request("GET", service.url, params={"q": wish.query, "count": str(wish.count)}, headers=headers)


def _listed(service: Service, wish: Wish, response: httpx2.Response) -> list[str]:
    try:
        answer: Mapping[str, Any] = response.json()
        results = answer.get("web", {}).get("results", []) if service.provider == "brave" else answer["results"]
        return [
            entry(n, r.get("title"), r["url"], r.get("content") or r.get("description"))
            for n, r in enumerate(results[: wish.count], 1)
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise nonsense(service) from None


def _refused(service: Service, status: int) -> str:
    name = service.provider
    if status in (401, 403):
        hint = "does it allow format=json?" if name == "searxng" else "check its key"
        return f"The search service {name} refused (HTTP {status}); {hint}."
    if status == 409 and name == "xiaomi":
        return "The quota for web search on the MiMo platform is used up (HTTP 409); see the plugins of the console."
    if status in (402, 429):
        return f"The search service {name} has no searches left for now (HTTP {status})."
    return f"The search service {name} failed (HTTP {status})."
