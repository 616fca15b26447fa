"""Ask a search service. Each has its own words; what comes back is the same: titles, addresses, excerpts."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from mimocode.errors import ToolFailed

from .choosing import Service

MOST = 20
_EXCERPT = 500
_SECONDS = 25.0


@dataclass(frozen=True)
class Found:
    """One result."""

    title: str
    url: str
    excerpt: str


async def ask(service: Service, query: str, count: int) -> list[Found]:
    """Search.

    Raises:
        ToolFailed: the query is empty, or the service does not answer, refuses, or makes no sense.
    """
    if not query.strip():
        raise ToolFailed("query is empty.")
    count = max(1, min(count, MOST))
    request = _request(service, query, count)
    try:
        async with httpx2.AsyncClient(timeout=_SECONDS) as client:
            response = await client.send(request)
    except httpx2.HTTPError as error:
        raise ToolFailed(f"The search service {service.provider} does not answer: {type(error).__name__}.") from None
    if response.status_code != 200:
        raise ToolFailed(_refused(service, response.status_code))
    try:
        results = _results(service, response.json())
        return [Found(_line(r.get("title")), str(r["url"]), _line(_excerpt(r))[:_EXCERPT]) for r in results[:count]]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ToolFailed(
            f"The search service {service.provider} answered with something that makes no sense."
        ) from None


def _request(service: Service, query: str, count: int) -> httpx2.Request:
    match service.provider:
        case "searxng":
            return httpx2.Request("GET", f"{service.url}/search", params={"q": query, "format": "json"})
        case "brave":
            headers = {"X-Subscription-Token": service.key, "Accept": "application/json"}
            return httpx2.Request("GET", service.url, params={"q": query, "count": str(count)}, headers=headers)
    body = {"query": query, "numResults": count, "contents": {"text": {"maxCharacters": _EXCERPT}}}
    return httpx2.Request("POST", service.url, json=body, headers={"x-api-key": service.key})


def _refused(service: Service, status: int) -> str:
    name = service.provider
    if status in (401, 403):
        hint = "does it allow format=json?" if name == "searxng" else "check its key"
        return f"The search service {name} refused (HTTP {status}); {hint}"
    if status in (402, 429):
        return f"The search service {name} has no searches left for now (HTTP {status})."
    return f"The search service {name} failed (HTTP {status})."


def _results(service: Service, answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if service.provider == "brave":
        return list(answer.get("web", {}).get("results", []))
    return list(answer["results"])


def _excerpt(result: Mapping[str, Any]) -> Any:
    return result.get("content") or result.get("description") or result.get("text") or ""


def _line(text: Any) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]{1,40}>", "", str(text or "")))).strip()
