"""Fetch one address: bounded in time, size and redirects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from mimocode import __version__
from mimocode.errors import ToolFailed

from .guarding import Transport

LARGEST = 5_000_000
SECONDS, MOST_SECONDS = 30.0, 120.0
_REDIRECTS = 5
_AGENT = f"Mozilla/5.0 (compatible; mimocode/{__version__})"
_PLAIN = "mimocode"
"""Who we say we are where something that looks like a browser is put to a test that we cannot pass."""
_ACCEPT = {
    "markdown": "text/markdown, text/html;q=0.9, text/plain;q=0.8, */*;q=0.1",
    "text": "text/plain, text/html;q=0.9, */*;q=0.1",
    "html": "text/html, application/xhtml+xml;q=0.9, */*;q=0.1",
}

Format = Literal["markdown", "text", "html"]


@dataclass(frozen=True)
class Page:
    """What came back: `kind` is the media type without parameters; `moved` is where another host is pointed to."""

    url: str
    status: int
    kind: str
    data: bytes
    encoding: str
    cut: bool = False
    moved: str = ""


async def fetch(url: str, form: Format, seconds: float | None, private: Sequence[str]) -> Page:
    """Get an address. Redirects on the same host are followed; one to another host is told, not followed.

    Raises:
        ToolFailed: it is no web address, not public, does not answer in time, or answers with an error.
    """
    limit = SECONDS if seconds is None else seconds
    if not 0 < limit <= MOST_SECONDS:
        raise ToolFailed(f"timeout is in seconds, at most {MOST_SECONDS:g}.")
    headers = {"User-Agent": _AGENT, "Accept": _ACCEPT[form], "Accept-Language": "en, *;q=0.5"}
    try:
        async with asyncio.timeout(limit), httpx2.AsyncClient(transport=Transport(private), headers=headers) as client:
            return await _follow(client, _checked(url))
    except TimeoutError:
        raise ToolFailed(f"{url} did not answer completely within {limit:g} s.") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, httpcore2.ConnectError, OSError) as error:
        raise ToolFailed(f"{url} cannot be fetched: {str(error) or type(error).__name__}.") from None


async def whole(url: str, room: int, private: Sequence[str]) -> bytes:
    """All of what lies at an address.

    Raises:
        ToolFailed: as `fetch`; also when it is more than `room` bytes, lies somewhere else or is not there.
    """
    page = await fetch(url, "text", None, private)
    if page.moved:
        raise ToolFailed(f"{url} lies at {page.moved} now.")
    if page.status != 200:
        raise ToolFailed(f"{url} answered with status {page.status}.")
    if page.cut or len(page.data) > room:
        raise ToolFailed(f"{url} has more than {room:,} bytes.")
    return page.data


def _checked(url: str) -> str:
    """The address, if it is one of the web.

    Raises:
        ToolFailed: it is not.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises when it is no number
    except ValueError:
        raise ToolFailed(f"{url!r} is not an address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ToolFailed(f"{url!r} is not a web address: it must begin with http:// or https:// and name a host.")
    if "@" in parts.netloc or any(ord(c) <= 32 or ord(c) == 127 or c == "\\" for c in url):
        raise ToolFailed(f"{url!r} contains a user name, white space or control characters, which is not fetched.")
    return url


async def _follow(client: httpx2.AsyncClient, url: str) -> Page:
    for _ in range(_REDIRECTS + 1):
        async with _asked(client, url) as response:
            if not (300 <= response.status_code < 400 and "location" in response.headers):
                return await _page(response, url)
            target = _checked(urljoin(url, response.headers["location"]))
            if not _same_site(url, target):
                return Page(url, response.status_code, "", b"", "utf-8", moved=target)
        url = target
    raise ToolFailed(f"{url} redirects more than {_REDIRECTS} times.")


@asynccontextmanager
async def _asked(client: httpx2.AsyncClient, url: str) -> AsyncIterator[httpx2.Response]:
    """The answer of an address; who is challenged to be a browser (Cloudflare) asks once more as what it is."""
    async with client.stream("GET", url, follow_redirects=False) as response:
        challenged = response.status_code == 403 and response.headers.get("cf-mitigated") == "challenge"
        if not challenged or client.headers["User-Agent"] == _PLAIN:
            yield response
            return
    client.headers["User-Agent"] = _PLAIN
    async with client.stream("GET", url, follow_redirects=False) as response:
        yield response


def _same_site(old: str, new: str) -> bool:
    """Whether what was allowed for one address may be taken as allowed for the other."""
    a, b = urlsplit(old), urlsplit(new)
    names = {str(host).removeprefix("www.") for host in (a.hostname, b.hostname)}
    if len(names) > 1 or (a.scheme, b.scheme) == ("https", "http"):
        return False
    return a.port == b.port or (a.port or 80, b.port or 443) == (80, 443)


async def _page(response: httpx2.Response, url: str) -> Page:
    data = bytearray()
    async for chunk in response.aiter_bytes(65_536):
        data += chunk
        if len(data) > LARGEST:
            break
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = response.charset_encoding or ""
    return Page(url, response.status_code, kind, bytes(data[:LARGEST]), encoding, len(data) > LARGEST)
