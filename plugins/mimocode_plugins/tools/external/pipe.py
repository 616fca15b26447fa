"""Talk to a process over its standard input and output, one message a line, with a limit on what is kept of it.

The MCP library's own transport keeps a line for as long as it grows. This one drops a line past `FRAME` bytes and
everything that is not a message, so that a server that writes noise costs no memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

FRAME = 16_000_000
"""Bytes of the longest line that is read."""
FLOOD = 100_000_000
"""Bytes in a row that are no message, after which nothing more is expected of a server."""
_PIECE = 1_000_000
_GRACE = 1.0
"""Seconds that a process gets to end by itself, and again after SIGTERM."""
_log = logging.getLogger(__name__)

Streams = tuple[MemoryObjectReceiveStream[Any], MemoryObjectSendStream[Any]]


@asynccontextmanager
async def piped(
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: str | None,
    errors: Callable[[bytes], None],
    read: Callable[[bytes], Any],
    write: Callable[[Any], bytes],
    ended: Callable[[], None] = lambda: None,
) -> AsyncIterator[Streams]:
    """Start a process and yield streams of what `read` makes of its lines and to what `write` makes lines of.

    `errors` gets its standard error piece by piece; `ended` is called when no more messages will come.

    Raises:
        OSError: it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
        cwd=directory,
        limit=_PIECE,
        start_new_session=True,
    )
    said, heard = anyio.create_memory_object_stream[Any](0)
    sent, queued = anyio.create_memory_object_stream[Any](0)
    try:
        async with said, heard, sent, queued, anyio.create_task_group() as tasks:
            tasks.start_soon(_listen, process, said, read, ended)
            tasks.start_soon(_overhear, process.stderr, errors)
            tasks.start_soon(_speak, process, queued, said, write)
            yield heard, sent
            tasks.cancel_scope.cancel()
    finally:
        await _end(process)


async def _overhear(stream: Any, errors: Callable[[bytes], None]) -> None:
    while piece := await stream.read(65_536):
        errors(piece)


async def _listen(
    process: Any, said: MemoryObjectSendStream[Any], read: Callable[[bytes], Any], ended: Callable[[], None]
) -> None:
    try:
        async with said:
            await _pass_on(process, said, read)
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return  # nobody listens any more
    finally:
        ended()


async def _pass_on(process: Any, said: MemoryObjectSendStream[Any], read: Callable[[bytes], Any]) -> None:
    noise = 0
    async for size, line in _lines(process.stdout):
        noise += size
        if noise > FLOOD:
            _log.warning("process %s writes nothing but noise: no longer listened to", process.pid)
            return
        if (message := _read(line, read)) is not None:
            noise = 0
            await said.send(message)


def _read(line: bytes, read: Callable[[bytes], Any]) -> Any:
    """The message; None if it is none."""
    try:
        return read(line) if line else None
    except (ValueError, RecursionError):
        _log.info("not a message: %r", line[:200])
        return None


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[tuple[int, bytes]]:
    """How many bytes came, piece by piece, and with the end of a line that is not too long the line."""
    held: list[bytes] = []
    size = 0
    while piece := await stream.read(_PIECE):
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield len(end) + 1, b"".join((*held, end)).strip() if size + len(end) <= FRAME else b""
            held, size = [], 0
        size += len(rest)
        held = [*held, rest] if size <= FRAME else []
        yield len(rest), b""


async def _speak(
    process: Any,
    queued: MemoryObjectReceiveStream[Any],
    said: MemoryObjectSendStream[Any],
    write: Callable[[Any], bytes],
) -> None:
    try:
        async with queued:
            async for message in queued:
                process.stdin.write(write(message) + b"\n")
                await process.stdin.drain()
    except (ConnectionError, anyio.ClosedResourceError, RuntimeError):
        await said.aclose()  # whoever waits for an answer learns that none will come


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close its input, then ask, then kill: it and everything it started."""
    assert process.stdin is not None
    drains = [asyncio.ensure_future(_drain(stream)) for stream in (process.stdout, process.stderr) if stream]
    try:
        process.stdin.close()
        for number in (0, signal.SIGTERM, signal.SIGKILL):
            if number:
                _signal(process, number)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), _GRACE)
                break
    finally:
        _signal(process, signal.SIGKILL)  # what it left behind, and itself if we were cancelled
        reaped = asyncio.ensure_future(process.wait())
        with anyio.CancelScope(shield=True):
            _, late = await asyncio.wait([*drains, reaped], timeout=_GRACE)
        for task in late:
            task.cancel()
        process._transport.close()  # type: ignore[attr-defined]  # held open by a grandchild outside of the group


async def _drain(stream: asyncio.StreamReader) -> None:
    """What is left in a pipe keeps it open, and a process with an open pipe does not count as ended."""
    while await stream.read(_PIECE):
        pass


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
