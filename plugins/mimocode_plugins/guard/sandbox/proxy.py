"""The one way to the network for commands inside: an HTTP proxy of ours, at the end of a socket, that knows a list.

CONNECT and plain requests alike are checked by name and port; the name is looked up once and that address is used.
A redirect is a new request and is checked again. Source: RFC 9110 9.3.6 (CONNECT), RFC 9112 3.2 (forms of targets).
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from . import names
from .names import Rule, Target

Tell = Callable[[Target, bool], Awaitable[None]]
LONGEST = 32_768
"""Bytes of a request's head."""
PATIENCE = 20.0
"""Seconds for a head, for a name and for a connection."""
MOST = 256
"""Connections at a time."""
_REQUEST = re.compile(rb"([A-Z]{3,10}) ([\x21-\x7e]+) HTTP/1\.[01]", re.ASCII)
_HOP = (b"proxy-", b"connection:", b"keep-alive:", b"host:", b"upgrade:", b"te:")


class Refused(Exception):
    """Why a request is not carried out: an HTTP status and a sentence."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass
class Proxy:
    """Listens on a socket in the disk. `tell` hears of every target once for each answer."""

    rules: tuple[Rule, ...]
    tell: Tell
    _server: asyncio.Server | None = None
    _told: set[tuple[Target, bool]] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self, path: Path) -> None:
        """Begin."""
        self._server = await asyncio.start_unix_server(self._serve, path, limit=LONGEST)

    async def close(self) -> None:
        """End, with every connection."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._server is None:  # it came while we were closing
            writer.close()
            return
        self._tasks.add(task)
        try:
            if len(self._tasks) > MOST:
                raise Refused("503 Service Unavailable", "too many connections at a time")
            await self._carry(reader, writer)
        except Refused as refused:
            with suppress(OSError):
                text = f"mimo sandbox: {refused}\n".encode()
                head = f"HTTP/1.1 {refused.status}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + text)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request: its head, the connection to where it goes, then bytes both ways."""
        try:
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            raise Refused("400 Bad Request", "this is no request to a proxy") from None
        where, first = asked(head)
        rule = next((rule for rule in self.rules if rule.allows(where)), None)
        await self._say(where, rule is not None)
        if rule is None:
            raise Refused("403 Forbidden", f"{where} is not in the list sandbox.network")
        far_reader, far_writer = await _connect(where, rule)
        try:
            if first:
                far_writer.write(first)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _both_ways((reader, far_writer), (far_reader, writer))
        finally:
            far_writer.close()

    async def _say(self, where: Target, allowed: bool) -> None:
        if (where, allowed) not in self._told:
            self._told.add((where, allowed))
            await self.tell(where, allowed)


def asked(head: bytes) -> tuple[Target, bytes]:
    """Where a request wants to go, and what to send there first: nothing for CONNECT.

    Raises:
        Refused: it is malformed, or its target could be read in more than one way.
    """
    line, *fields = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    found = _REQUEST.fullmatch(line)
    if found is None or b"\0" in head or any(not each or each[:1] in b" \t" or b"\n" in each for each in fields):
        raise Refused("400 Bad Request", "this is no request to a proxy")
    method, uri = found[1], found[2].decode("ascii")
    if method == b"CONNECT":
        where = names.target(uri)
        path = ""
    else:
        scheme, _, rest = uri.partition("://")
        authority, slash, after = rest.partition("/")
        where = names.target(authority, 80) if scheme.lower() == "http" else None
        path = slash + after or "/"
    if where is None:
        raise Refused("400 Bad Request", f"{uri[:200]!r} does not plainly say where to")
    if not path:
        return where, b""
    kept = [each for each in fields if not each.lower().startswith(_HOP)]
    host = str(where).removesuffix(":80") if where.port == 80 else str(where)
    lines = [method + b" " + path.encode() + b" HTTP/1.1", b"Host: " + host.encode(), *kept, b"Connection: close"]
    return where, b"\r\n".join(lines) + b"\r\n\r\n"


async def _connect(where: Target, rule: Rule) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(PATIENCE):
            found = await loop.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise Refused("502 Bad Gateway", f"the name {where.host} cannot be looked up") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    good = [each for each in addresses if names.reachable(each, rule)]
    if not good:
        raise Refused("403 Forbidden", f"{where.host} leads to {addresses[0]}, which the list does not mean")
    for each in good:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return await asyncio.open_connection(each, where.port)
    raise Refused("502 Bad Gateway", f"{where} does not answer")


Way = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _both_ways(there: Way, back: Way) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_pump(*there))
        group.create_task(_pump(*back))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()
