"""Where the browser comes back to after a login: a page on this machine that is there for one answer."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from mimocode.errors import MimoError, UsageError

PATIENCE = 300.0
"""Seconds that a login may take (surface 9.4)."""
_REQUEST = 16_384
_DONE = "You are logged in. This window can be closed."


class LoginFailed(MimoError):
    """Nobody logged in, or the other side refused."""


class Callback:
    """Waits for the one request that carries the `state` of this login; all others are turned away."""

    def __init__(self, path: str) -> None:
        self._path, self._state = path, ""
        self._answer: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()

    def expect(self, state: str) -> None:
        """Only an answer with this `state` counts from now on."""
        self._state = state

    async def answer(self) -> dict[str, str]:
        """The parameters of the answer, `code` among them.

        Raises:
            LoginFailed: the user or the server said no, or nobody came for `PATIENCE` seconds.
        """
        try:
            given = await asyncio.wait_for(asyncio.shield(self._answer), PATIENCE)
        except TimeoutError:
            raise LoginFailed(f"nobody logged in within {PATIENCE:g} s; start again when you are ready") from None
        if "code" not in given:
            said = given.get("error_description") or given.get("error") or "it sent no code"
            raise LoginFailed(f"the login was refused: {ascii(said[:300])[1:-1]}")
        return given

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        with suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            status, text = self._look(head.split(b" ", 2)[1].decode("ascii"))
            body = f"<!doctype html><meta charset=utf-8><title>MiMo Code</title><p>{text}".encode()
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\nReferrer-Policy: no-referrer\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        writer.close()

    def _look(self, target: str) -> tuple[str, str]:
        parts = urlsplit(target)
        given = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != self._path:
            return "404 Not Found", "There is nothing here."
        if not self._state or not hmac.compare_digest(given.get("state", "").encode(), self._state.encode()):
            return "400 Bad Request", "This does not belong to the login that was started."
        if not self._answer.done():
            self._answer.set_result(given)
        return "200 OK", _DONE if "code" in given else "The login was refused. This window can be closed."


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[Callback]:
    """A callback at a loopback address.

    Raises:
        UsageError: it is not an address of this machine, or it is taken.
    """
    parts = urlsplit(address)
    if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost", "::1") or not parts.port:
        raise UsageError(f'"redirectUri" must be an http address of this machine with a port, not {address}')
    callback = Callback(parts.path or "/")
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    try:
        server = await asyncio.start_server(callback.hear, host, parts.port, limit=_REQUEST)
    except OSError as error:
        raise UsageError(
            f'cannot listen on port {parts.port}: {error.strerror}; choose another with "oauth": '
            '{"redirectUri": ...} in the settings of the server'
        ) from None
    async with server:
        yield callback
