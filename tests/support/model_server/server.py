"""The HTTP side: reads requests, judges them, plays the script, breaks things on purpose."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from .quirks import check as check_quirks
from .quirks import common
from .record import WIRES, Request, prefix_kept
from .wire import Play, Refused, Step, digest, sse

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in to the proxy.</body></html>"
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    529: "Overloaded",
}


class Hangup(Exception):
    """Close the connection now."""


@dataclass
class Reply:
    """An answer about to be written."""

    status: int
    headers: dict[str, str]
    parts: list[bytes]
    stream: bool = False
    fault: dict[str, Any] | None = None
    delay: float = 0.0
    pace: float = 0.0


class ModelServer:
    """A model server for a test; see the package for what scripts and faults are.

    Args:
        script: the steps, or a mapping with "steps" and options.
        play: "turn", "conversation" or "sequential".
        key: the only key that is accepted; None accepts any that is not empty.
        models: the names that exist.
        quirks: the provider whose own refusals count, too; see `quirks`. Only for Chat Completions.
        reasoning_echo: "required" or "forbidden" for `reasoning_content` in Chat Completions history.
        log: a file to which every request is appended as a JSON line.
    """

    def __init__(
        self,
        script: Iterable[dict[str, Any]] | dict[str, Any],
        *,
        play: str = "turn",
        key: str | None = None,
        models: Iterable[str] = ("test-model",),
        reasoning_echo: str = "",
        quirks: str = "",
        log: Path | str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        options = dict(script) if isinstance(script, dict) else {"steps": list(script)}
        self.steps = [Step.of(step) for step in options["steps"]]
        self.play = str(options.get("play", play))
        self.key = options.get("key", key)
        self.models = tuple(options.get("models", models))
        self.reasoning_echo = str(options.get("reasoning_echo", reasoning_echo))
        self.quirks = quirks
        self.requests: list[Request] = []
        self.host, self.port = host, port
        self._log = Path(log) if log else None
        self._failed: Counter[int] = Counter()
        self._played = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens, without /v1."""
        return f"http://{self.host}:{self.port}"

    def script(self, *steps: dict[str, Any]) -> None:
        """Play these steps from now on; the recorded requests begin anew."""
        self.steps = [Step.of(step) for step in steps]
        self.requests, self._played = [], 0
        self._failed.clear()

    def prefix_kept(self) -> list[float]:
        """For every model request the share of the previous one's canonical bytes that it begins with."""
        return prefix_kept([r for r in self.requests if r.path in WIRES])

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the model server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop and self._stop and self._thread
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def serve(self) -> None:
        """Serve until told to stop."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, self.host, self.port, limit=1 << 26)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        # closed transports let go of their sockets in the next round of the loop
        await asyncio.sleep(0)

    # -- one connection ---------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._connections.add(task)
        try:
            while (request := await _read(reader)) is not None:
                reply = self._answer(request)
                self._record(request, reply)
                await _write(writer, reply)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, Hangup):
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    def _record(self, request: Request, reply: Reply) -> None:
        request.status = reply.status
        self.requests.append(request)
        if self._log:
            with self._log.open("a") as file:
                file.write(request.line() + "\n")

    # -- one request ------------------------------------------------------------

    def _answer(self, request: Request) -> Reply:
        wire = WIRES.get(
            request.path, WIRES["/v1/messages" if "anthropic-version" in request.headers else "/v1/chat/completions"]
        )
        try:
            self._authorised(request)
            if request.method == "GET" and request.path == "/v1/models":
                return self._models(request)
            if request.method != "POST" or request.path not in WIRES:
                raise Refused(404, f"Invalid URL ({request.method} {request.path})", "not_found")
            return self._judged(request, wire)
        except Refused as refused:
            request.refused = refused.message
            return _json(refused.status, wire.refusal(refused))

    def _authorised(self, request: Request) -> None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        given = request.headers.get("x-api-key", "") or bearer
        if request.path == "/v1/messages" and not given:
            raise Refused(401, "x-api-key header is required")
        if not given or (self.key is not None and given != self.key):
            raise Refused(401, "invalid x-api-key" if request.path == "/v1/messages" else "Incorrect API key provided.")

    def _models(self, request: Request) -> Reply:
        if "anthropic-version" in request.headers:
            data = [
                {"type": "model", "id": m, "display_name": m, "created_at": "2026-01-01T00:00:00Z"} for m in self.models
            ]
            return _json(200, {"data": data, "has_more": False, "first_id": self.models[0], "last_id": self.models[-1]})
        return _json(
            200,
            {
                "object": "list",
                "data": [{"id": m, "object": "model", "created": 1, "owned_by": "test"} for m in self.models],
            },
        )

    def _judged(self, request: Request, wire: Any) -> Reply:
        body = request.body
        if not body:
            raise Refused(400, "We could not parse the JSON body of your request.")
        if request.path == "/v1/messages" and "anthropic-version" not in request.headers:
            raise Refused(400, "anthropic-version: header is required")
        if body.get("model") not in self.models:
            raise Refused(404, f"The model `{body.get('model')}` does not exist or you do not have access to it.")
        try:
            wire.check(common(body, self.quirks), self.reasoning_echo)
            if self.quirks:
                check_quirks(body, request.headers, self.quirks)
            since, total = wire.turns(body)
        except (KeyError, TypeError, AttributeError, ValueError) as broken:
            raise Refused(400, f"Invalid request: {type(broken).__name__} {broken}") from broken
        number = {"turn": since, "conversation": total, "sequential": self._played}[self.play]
        self._played += 1
        request.step = number
        if number >= len(self.steps):
            raise Refused(400, f"the script has no step {number} (it has {len(self.steps)})")
        mark = f"{total:03d}{digest(request.canonical.decode(), 8)}"
        return self._play(Play(self.steps[number], body["model"], mark, len(request.raw), body), number, wire)

    def _play(self, play: Play, number: int, wire: Any) -> Reply:
        step = play.step
        fault = dict(step.fault)
        times = fault.pop("times", 0)
        if fault and times and self._failed[number] >= times:
            fault = {}
        if fault:
            self._failed[number] += 1
        if fault.get("overflow"):
            raise wire.overflow()
        if fault.get("html"):
            return Reply(200, {"content-type": "text/html; charset=utf-8"}, [HTML])
        if "status" in fault:
            return _refusal(fault, wire)
        if not play.body.get("stream"):
            return (
                _json(200, wire.whole(play))
                if not fault
                else Reply(
                    200, {"content-type": "application/json"}, [json.dumps(wire.whole(play)).encode()], fault=fault
                )
            )
        events = wire.events(play)
        if "error_event" in fault:
            events = [*events[: fault.get("after", 2)], wire.error_event(fault["error_event"])]
        if "end_events" in fault:
            events = events[: fault["end_events"]]
        if fault.get("garbage"):
            events += [b"data: {not json at all\n\n", b"event: surprise\ndata: {}\n\n", b": comment\n\n", sse("[DONE]")]
        headers = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        return Reply(200, headers, events, True, fault, step.delay, step.pace)


def _refusal(fault: dict[str, Any], wire: Any) -> Reply:
    status = fault["status"]
    words = {401: "invalid key", 429: "Rate limit reached", 529: "Overloaded", 402: "Your credit balance is too low"}
    refused = Refused(status, fault.get("message", words.get(status, "something failed")), fault.get("code"))
    body = fault.get("body", wire.refusal(refused))
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kind = "text/html" if raw.startswith(b"<") else "application/json"
    return Reply(status, {"content-type": kind} | fault.get("headers", {}), [raw])


def _json(status: int, body: Any) -> Reply:
    return Reply(status, {"content-type": "application/json"}, [json.dumps(body).encode()])


async def _read(reader: asyncio.StreamReader) -> Request | None:
    """One HTTP/1.1 request (RFC 9112), or None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
    raw = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            raw += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    elif length := int(headers.get("content-length", 0)):
        raw = await reader.readexactly(length)
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    if target.startswith("http://"):
        # the absolute form: someone takes this for a proxy
        target = "/" + target.split("/", 3)[-1]
    return Request(method, target.split("?")[0], headers, body if isinstance(body, dict) else {}, raw, time.time())


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    fault = reply.fault or {}
    if fault.get("hangup"):
        raise Hangup
    stall = fault.get("stall_events")
    if stall == -1:
        await asyncio.Event().wait()
    length = {"transfer-encoding": "chunked"} if reply.stream else {"content-length": str(sum(map(len, reply.parts)))}
    reason = REASONS.get(reply.status, "Status")
    fields = "".join(f"{k}: {v}\r\n" for k, v in (reply.headers | length).items())
    writer.write(f"HTTP/1.1 {reply.status} {reason}\r\n{fields}\r\n".encode())
    await writer.drain()
    if reply.delay:
        await asyncio.sleep(reply.delay)
    left = fault.get("cut_bytes")
    size = fault.get("dribble", 0)
    for n, part in enumerate(reply.parts):
        if n == fault.get("cut_events"):
            await _flushed(writer)
            raise Hangup
        if n == stall:
            await asyncio.Event().wait()
        if left is not None:
            part, left = part[:left], left - len(part)
        for piece in [part[i : i + size] for i in range(0, len(part), size)] if size else [part]:
            if piece:
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if reply.stream else piece)
                await writer.drain()
            if size:
                await asyncio.sleep(0)
        if left is not None and left <= 0:
            await _flushed(writer)
            raise Hangup
        if reply.pace:
            await asyncio.sleep(reply.pace)
    if reply.stream:
        writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _flushed(writer: asyncio.StreamWriter) -> None:
    """What was written is with the system before the connection is closed."""
    writer.transport.set_write_buffer_limits(0)
    await writer.drain()
