"""One connection to one model: send bytes, get events, and every failure as a `ModelError`.

HTTP/1.1 with keep-alive. Redirects are not followed, because they would carry the key elsewhere. Proxies come from
the environment, except for addresses on this machine. There are three time-outs: for connecting, for the first byte,
and between chunks.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx2
import msgspec

from mimocode.errors import ModelError, ModelFault

from . import faults
from .catalogue import is_local
from .faults import Asked
from .sse import Decoder, Event, TooLong

BODY_LIMIT = 1024 * 1024
"""Bytes of an error body that are read."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds; None waits for ever."""

    connect: float = 10.0
    first: float | None = 300.0
    """From sending the request to the head of the answer."""
    between: float | None = 300.0
    """Between two chunks of the answer; a comment that keeps the line alive counts."""


@dataclass
class Line:
    """The connection of one model. It may be used by several tasks at once.

    `close` lets go of idle connections; a line that was closed opens again when it is used.
    """

    asked: Asked
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeouts: Timeouts = Timeouts()
    _client: httpx2.AsyncClient | None = field(default=None, init=False, repr=False)

    async def stream(self, body: bytes, headers: Mapping[str, str] | None = None) -> AsyncGenerator[Event, None]:
        """POST the body to the address of `asked` and yield the events of the answer as they come.

        Closing the iterator or cancelling the task ends the request at once.

        Raises:
            ModelError: with the fault and a sentence, see `faults`.
        """
        try:
            response = await self._send(body, headers or {})
            try:
                async with aclosing(self._events(response)) as events:
                    async for event in events:
                        yield event
            finally:
                await response.aclose()
        except ModelError:
            raise
        except TimeoutError as error:
            raise self._late(self.timeouts.between) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ssl.SSLError, OSError) as error:
            raise self._broken(error) from error
        except UnicodeEncodeError as error:
            raise self._bad_header() from error

    async def close(self) -> None:
        """Let go of idle connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    async def _send(self, body: bytes, headers: Mapping[str, str]) -> httpx2.Response:
        request = self._open().build_request("POST", self.asked.url, content=body, headers={**self.headers, **headers})
        try:
            async with asyncio.timeout(self.timeouts.first):
                response = await self._open().send(request, stream=True)
        except TimeoutError as error:
            raise self._late(self.timeouts.first) from error
        kind = response.headers.get("content-type", "").lower()
        if response.status_code == 200 and "html" not in kind and "application/json" not in kind:
            return response
        try:
            start = await self._start_of(response)
        finally:
            await response.aclose()
        if response.status_code != 200:
            raise faults.of_status(response.status_code, response.headers, start, self.asked)
        raise faults.not_a_stream(kind, start, self.asked)

    async def _start_of(self, response: httpx2.Response) -> bytes:
        """The first bytes of an error body; what cannot be read is not missed."""
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout(10):
                async for chunk in response.aiter_bytes():
                    pieces.append(chunk)
                    if sum(map(len, pieces)) > BODY_LIMIT:
                        break
        except (TimeoutError, httpx2.HTTPError):
            pass
        return b"".join(pieces)

    async def _events(self, response: httpx2.Response) -> AsyncGenerator[Event, None]:
        decoder = Decoder()
        chunks = aiter(response.aiter_bytes())
        try:
            while True:
                async with asyncio.timeout(self.timeouts.between):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                for event in decoder.feed(chunk):
                    yield event
        except TooLong as error:
            raise self.asked.error(ModelFault.NONSENSE, f"{self.asked.where}: {error}") from error

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = httpx2.AsyncClient(
                verify=_verify(self.asked.url),
                # a proxy of the environment cannot reach a server on this machine
                trust_env=not is_local(self.asked.url),
                timeout=httpx2.Timeout(None, connect=self.timeouts.connect),
                headers={"accept": "text/event-stream", "accept-encoding": "identity", "user-agent": "mimocode"},
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=60),
            )
        return self._client

    def _late(self, seconds: float | None) -> ModelError:
        return self.asked.error(
            ModelFault.NETWORK, f"{self.asked.provider} at {self.asked.where} sent nothing for {seconds:g} s"
        )

    def _bad_header(self) -> ModelError:
        return self.asked.error(
            ModelFault.CREDENTIAL,
            f"the key or a header for {self.asked.provider} holds characters that HTTP does not allow "
            f"(a line break, a typographic quote); {self.asked.key_hint}",
        )

    def _broken(self, error: Exception) -> ModelError:
        who, where = self.asked.provider, self.asked.where
        match error:
            case httpx2.LocalProtocolError():
                return self._bad_header()
            case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
                return self.asked.error(ModelFault.NOT_FOUND, f"{where!r} is not an address for {who}; check baseURL")
            case httpx2.ConnectTimeout():
                why = f"no connection within {self.timeouts.connect:g} s"
            case httpx2.ProxyError():
                why = f"the proxy failed ({error})"
            case httpx2.ConnectError():
                why = _reason(error)
            case _:
                return self.cut()
        return self.asked.error(ModelFault.NETWORK, f"cannot reach {who} at {where}: {why}")

    def cut(self) -> ModelError:
        """The stream ended before the answer did."""
        return self.asked.error(
            ModelFault.NETWORK, f"the stream was cut: {self.asked.provider} ended it before the answer was complete"
        )


async def drained(events: AsyncGenerator[Event, None], seconds: float = 0.25) -> None:
    """Read what follows the end marker, so that the connection can be used again; not longer than `seconds`."""
    with contextlib.suppress(TimeoutError, ModelError):
        async with asyncio.timeout(seconds):
            async for _ in events:
                pass


def _reason(error: Exception) -> str:
    """Why there is no connection, without the layers of wrapping."""
    text = str(error)
    lowered = text.lower()
    if "certificate" in lowered or "ssl" in lowered or "tls" in lowered:
        return f"TLS failed ({text})"
    if (
        "name or service" in lowered
        or "getaddrinfo" in lowered
        or "name resolution" in lowered
        or "nodename" in lowered
    ):
        return "the name of the host is not known"
    return text or type(error).__name__


def _verify(url: str) -> Any:
    """Loading the certificates takes longer than a local model takes to answer: not for plain HTTP."""
    return not url.startswith("http://")


def decoded(event: Event, asked: Asked) -> dict[str, Any]:
    """The JSON object of an event.

    Raises:
        ModelError: it is none, or it is an error object.
    """
    try:
        value = msgspec.json.decode(event.data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            # a character cut in two by the provider: the standard says to replace it
            value = msgspec.json.decode(event.data.decode("utf-8", "replace"))
        except msgspec.DecodeError:
            value = None
    if not isinstance(value, dict):
        shown = event.data[:80].decode("utf-8", "replace")
        raise asked.error(ModelFault.NONSENSE, f"{asked.where} sent an event that is not a JSON object: {shown!r}")
    if event.name == "error" or value.get("type") == "error" or value.get("error"):
        raise faults.in_stream(value, asked)
    return value
