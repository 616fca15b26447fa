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
from typing import Any, TextIO

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

FRAME = 16_000_000
"""Bytes of the longest line that is read."""
_GRACE = 1.0
"""Seconds that a process gets to end by itself, and again after SIGTERM."""
_log = logging.getLogger(__name__)

Streams = tuple[MemoryObjectReceiveStream[Any], MemoryObjectSendStream[Any]]


@asynccontextmanager
async def piped(
    command: Sequence[str],
    environment: Mapping[str, str],
    directory: str | None,
    errors: TextIO,
    read: Callable[[bytes], Any],
    write: Callable[[Any], bytes],
) -> AsyncIterator[Streams]:
    """Start a process and yield streams of what `read` makes of its lines and to what `write` makes lines of.

    Raises:
        OSError: it cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        env=dict(environment),
        cwd=directory,
        limit=FRAME,
        start_new_session=True,
    )
    said, heard = anyio.create_memory_object_stream[Any](0)
    sent, queued = anyio.create_memory_object_stream[Any](0)
    try:
        async with said, heard, sent, queued, anyio.create_task_group() as tasks:
            tasks.start_soon(_listen, process, said, read)
            tasks.start_soon(_speak, process, queued, said, write)
            yield heard, sent
            tasks.cancel_scope.cancel()
    finally:
        await _end(process)


async def _listen(process: Any, said: MemoryObjectSendStream[Any], read: Callable[[bytes], Any]) -> None:
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        async with said:
            async for line in _lines(process.stdout):
                try:
                    message = read(line)
                except ValueError:
                    _log.info("not a message: %r", line[:200])
                    continue
                await said.send(message)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Lines up to the limit of the stream; longer ones are passed over."""
    skipping = False
    while True:
        try:
            line = await stream.readuntil()
        except asyncio.LimitOverrunError as overrun:
            await stream.readexactly(max(1, overrun.consumed))
            skipping = True
            continue
        except asyncio.IncompleteReadError:
            return
        if not skipping and line.strip():
            yield line
        skipping = False


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


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
