"""Which addresses may be connected to.

A name is resolved here and connected to as resolved, so that nothing can change in between: neither a second answer
of the name server nor a redirect leads somewhere else (demands.md 4.3, case 20).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore2
import httpx2

from mimocode.errors import ToolFailed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local or int(address) >> 32 == 0:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class Guarded(httpcore2.AsyncNetworkBackend):
    """Connects to public addresses, and to the hosts named in `private` ("host" or "host:port")."""

    def __init__(self, private: Iterable[str]) -> None:
        self._private = {name.lower() for name in private}
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check, connect.

        Raises:
            ToolFailed: the name is unknown, or means something that is not public.
        """
        addresses = await _resolved(host, port)
        if not {host.lower(), f"{host.lower()}:{port}"} & self._private:
            for address in addresses:
                if not is_public(address):
                    raise ToolFailed(
                        f"{host} is {address}, which is not on the public internet and is not fetched. "
                        f'The user can allow it: "webfetch": {{"private": ["{host}:{port}"]}} in the settings.'
                    )
        return await self._first(addresses, port, timeout, socket_options)

    async def _first(
        self, addresses: Sequence[Address], port: int, timeout: float | None, options: Iterable[Any] | None
    ) -> httpcore2.AsyncNetworkStream:
        for number, address in enumerate(addresses[:4], 1):
            try:
                return await self._inner.connect_tcp(str(address), port, timeout, None, options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == min(4, len(addresses)):
                    raise
        raise httpcore2.ConnectError("there is no address to connect to")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Never."""
        raise ToolFailed("unix sockets are not fetched from")

    async def sleep(self, seconds: float) -> None:
        """As asked."""
        await asyncio.sleep(seconds)


async def _resolved(host: str, port: int) -> list[Address]:
    """The addresses of a host, each once. What the system takes for an address (0x7f.1, 2130706433) is one."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ToolFailed(f"There is no host {host!r}.") from None
    return [ipaddress.ip_address(text) for text in dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found)]


class Transport(httpx2.AsyncHTTPTransport):
    """HTTP over guarded connections. Proxies of the environment are not used: nobody could check behind them."""

    def __init__(self, private: Iterable[str]) -> None:
        super().__init__(trust_env=False)
        # The class has no argument for the backend; its pool is the one place where connections are made.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(), network_backend=Guarded(private)
        )
