"""A server that writes exactly these bytes: for what no honest server sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Raw:
    """Where it listens, and the requests as they came."""

    url: str = ""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client went away while the server was still writing."""


@asynccontextmanager
async def raw(*answers: Sequence[bytes], hang: bool = False) -> AsyncIterator[Raw]:
    """Serve one answer per request (the last one for all further), each a list of writes. `hang`: never close."""
    server = Raw()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while (request := await _request(reader)) is not None:
                server.requests.append(request)
                for piece in answers[min(len(server.requests), len(answers)) - 1]:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if hang:
                    await reader.read()
                    server.gone.set()
                if b"keep-alive" not in answers[min(len(server.requests), len(answers)) - 1][0]:
                    break
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"http://127.0.0.1:{port}/v1"
    async with listening:
        yield server


async def _request(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.partition(b":")[2]))
    return head


def http(status: str = "200 OK", kind: str = "text/event-stream", *headers: str) -> bytes:
    """The head of an answer that ends when the connection does."""
    lines = [f"HTTP/1.1 {status}", f"content-type: {kind}", *headers, "connection: close", "", ""]
    return "\r\n".join(lines).encode()


def events(*data: str) -> bytes:
    """Server-sent events."""
    return "".join(f"data: {one}\n\n" for one in data).encode()
