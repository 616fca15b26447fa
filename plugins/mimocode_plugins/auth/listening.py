"""A page on this machine that a browser comes back to with the answer of a login."""

from __future__ import annotations

import asyncio
import html
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from .ways import Gone

LARGEST = 32_768
"""Bytes of a request that are read."""


@dataclass
class Listener:
    """Waits for one request to `path`; `came` gets its query."""

    port: int
    came: asyncio.Future[dict[str, str]] = field(repr=False)


@asynccontextmanager
async def listening(
    path: str, port: int = 0, then: str = "", ours: Callable[[dict[str, str]], bool] = bool
) -> AsyncIterator[Listener]:
    """Listen on this machine only, until the context ends.

    Args:
        path: where the answer comes to; everything else is 404.
        port: 0 takes a free one.
        ours: whether an answer belongs to this login; others change nothing, because any page can send some.
        then: a page of the provider to send the browser on to; without one it is told to be closed.

    Raises:
        Gone: the port is taken.
    """
    came: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
            parts = urlsplit(target)
            said = dict(parse_qsl(parts.query))
            wanted = method == "GET" and parts.path == path and ours(said)
            if wanted and not came.done():
                came.set_result(said)
            writer.write(_page(wanted, then))
            await writer.drain()
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    try:
        server = await asyncio.start_server(serve, "127.0.0.1", port, limit=LARGEST)
    except OSError as error:
        raise Gone(f"port {port} of this machine is taken ({error.strerror}); another login may be waiting") from None
    try:
        yield Listener(server.sockets[0].getsockname()[1], came)
    finally:
        server.close()
        if not came.done():
            came.cancel()


def _page(wanted: bool, then: str) -> bytes:
    if wanted and then:
        head = f"HTTP/1.1 302 Found\r\nlocation: {then}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        return head.encode("latin-1")
    said = "You can close this page and go back to the terminal." if wanted else "There is nothing here."
    body = f"<!doctype html><meta charset=utf-8><title>mimo</title><p>{html.escape(said)}</p>".encode()
    status = "200 OK" if wanted else "404 Not Found"
    head = f"HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"connection: close\r\n\r\n" + body
