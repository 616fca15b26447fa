"""A language server's process and the wire to it: bounded in what it may send, ended with everything it started.

JSON-RPC is pygls'; what it reads is kept as plain JSON, because real servers do not keep to the letter of the types.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from cattrs import Converter
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound
from pygls.io_ import run_async
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCProtocol,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)

from mimocode.errors import ToolFailed

LARGEST = 32_000_000
"""Bytes of one message, and of what waits to be read by the server."""
FLOOD = 128_000_000
"""Bytes in ten seconds that no honest server sends."""
_WATCH = 'read -r word && exit 0; kill -s KILL -- "-$0"'
"""Waits at the end of a pipe of ours: when we die, however that happens, the server's group goes too."""


class Broken(ToolFailed):
    """The server died, said nonsense or does not answer."""


class _Never:
    """pygls asks an event whether to stop; we cancel its task."""

    def is_set(self) -> bool:
        return False


class _Bounded:
    """A stream that refuses what is too large or too much."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream, self._since, self._bytes = stream, time.monotonic(), 0

    async def readline(self) -> bytes:
        return self._count(await self._stream.readline())

    async def readexactly(self, size: int) -> bytes:
        if size > LARGEST:
            raise Broken(f"it sent a message of {size} bytes")
        return self._count(await self._stream.readexactly(size))

    def _count(self, data: bytes) -> bytes:
        self._bytes += len(data)
        if time.monotonic() - self._since > 10:
            self._since, self._bytes = time.monotonic(), 0
        if self._bytes > FLOOD:
            raise Broken("it floods us with messages")
        return data


class _Protocol(JsonRPCProtocol):
    """pygls' JSON-RPC with messages whose contents stay plain JSON."""

    handlers: Mapping[str, Callable[[Any], Any]]

    def _get_handler(self, feature_name: str) -> Callable[[Any], Any]:
        if (handler := self.handlers.get(feature_name)) is None:
            raise JsonRpcMethodNotFound.of(feature_name)
        return handler

    def structure_message(self, data: dict[str, Any]) -> Any:
        if "jsonrpc" not in data:
            return data
        method, ident = data.get("method"), data.get("id")
        if isinstance(method, str):
            if ident is None:
                return JsonRPCNotification(method, "2.0", data.get("params"))
            return JsonRPCRequestMessage(ident, method, "2.0", data.get("params"))
        if data.get("error") is not None:
            error = data["error"]
            said = error.get("message", "it failed") if isinstance(error, dict) else "it failed"
            future = self._request_futures.pop(ident, None)  # type: ignore[arg-type]
            if future is not None and not future.done():
                future.set_exception(Broken(str(said)[:300]))
            return JsonRPCNotification("$/failed", "2.0", None)
        return JsonRPCResponseMessage(ident, "2.0", data.get("result"))  # type: ignore[arg-type]


class Wire:
    """One running server."""

    def __init__(self, process: asyncio.subprocess.Process, handlers: Mapping[str, Callable[[Any], Any]]) -> None:
        self._process, self._tail = process, b""
        self._protocol = _Protocol(self, Converter())  # type: ignore[arg-type]
        self._protocol.handlers = handlers
        self._protocol.set_writer(process.stdin)  # type: ignore[arg-type]
        self.broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._errors())]
        self._watch: asyncio.subprocess.Process | None = None

    @classmethod
    async def start(
        cls, command: Sequence[str], folder: Path, env: Mapping[str, str], handlers: Mapping[str, Callable[[Any], Any]]
    ) -> Wire:
        """Start a server.

        Raises:
            Broken: it cannot be started.
        """
        logger = logging.getLogger("pygls")  # its complaints are about the server and would end on the screen
        logger.propagate, logger.disabled = False, True
        logging.getLogger("pygls.protocol.json_rpc").disabled = True
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                cwd=folder,
                env=dict(env),
                start_new_session=True,
                limit=1_000_000,
            )
        except (OSError, ValueError) as error:
            raise Broken(f"{command[0]} cannot be started: {error}") from None
        wire = cls(process, handlers)
        quiet = asyncio.subprocess.DEVNULL
        watch = ("/bin/sh", "-c", _WATCH, str(process.pid))
        wire._watch = await asyncio.create_subprocess_exec(
            *watch, stdin=pipe, stdout=quiet, stderr=quiet, start_new_session=True, cwd="/"
        )
        return wire

    def _report_server_error(self, error: Exception, source: type[Exception]) -> None:
        """pygls tells of a message that made no sense: it is passed over."""

    async def ask(self, method: str, params: Any, seconds: float) -> Any:
        """The answer to a request.

        Raises:
            Broken: there is none in time, or it is an error.
        """
        self._room()
        waiting = asyncio.ensure_future(self._protocol.send_request_async(method, params))
        await asyncio.wait({waiting, self.broken}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            try:
                return waiting.result()
            except JsonRpcException as error:
                raise Broken(str(error)[:300]) from None
        waiting.cancel()
        raise Broken(self.broken.result() if self.broken.done() else f"no answer to {method} in {seconds:g} s")

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._room()
        with suppress(OSError, RuntimeError):
            self._protocol.notify(method, params)

    def _room(self) -> None:
        if self.broken.done():
            raise Broken(self.broken.result())
        assert self._process.stdin is not None
        if self._process.stdin.transport.get_write_buffer_size() > LARGEST:
            self._give_up("it does not read what it is told")
            raise Broken(self.broken.result())

    def _give_up(self, why: str) -> None:
        if not self.broken.done():
            said = self._tail.decode("utf-8", "replace").strip().splitlines()
            self.broken.set_result(why + (f" ({said[-1][:200]})" if said else ""))
        self._kill()

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        why = "it ended"
        try:
            await run_async(_Never(), _Bounded(self._process.stdout), self._protocol)  # type: ignore[arg-type]
        except Broken as error:
            why = str(error)
        except (ValueError, EOFError, OSError, RecursionError):
            why = "what it sent is not the language server protocol"
        if why == "it ended":
            with suppress(TimeoutError):
                code = await asyncio.wait_for(self._process.wait(), 1)
                why = f"it ended with exit code {code}"
        self._give_up(why)

    async def _errors(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(65536):
            self._tail = (self._tail + data)[-2000:]

    def _kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def close(self) -> None:
        """Ask it to end, briefly; then end it and all it started."""
        if not self.broken.done():
            with suppress(Broken, TimeoutError):
                await self.ask("shutdown", None, 0.5)
                self.tell("exit", None)
                await asyncio.wait_for(self._process.wait(), 0.5)
            if not self.broken.done():
                self.broken.set_result("it was ended")
        await self._end()

    async def _end(self) -> None:
        self._kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 2)
        self._process._transport.close()  # type: ignore[attr-defined]  # else its pipes warn at collection
        if self._watch is not None:
            self._watch.stdin.write(b"done\n")  # type: ignore[union-attr]
            self._watch.stdin.close()  # type: ignore[union-attr]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._watch.wait(), 2)
