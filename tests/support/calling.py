"""Call tools the way the kernel does: through an MCP client, with the session's directory in the meta."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client


@dataclass
class Tools:
    """A connected server."""

    client: Any
    directory: Path

    async def raw(self, name: str, /, **arguments: Any) -> Any:
        """The whole result of a call."""
        return await self.client.call_tool(name, arguments, meta={"mimocode/directory": str(self.directory)})

    async def __call__(self, name: str, /, **arguments: Any) -> str:
        """The text of a call that succeeds."""
        result = await self.raw(name, **arguments)
        assert not result.is_error, result.content[0].text
        return str(result.content[0].text)

    async def fails(self, name: str, /, **arguments: Any) -> str:
        """The text of a call that fails."""
        result = await self.raw(name, **arguments)
        assert result.is_error, result.content[0].text
        return str(result.content[0].text).removeprefix(f"Error executing tool {name}: ")


@asynccontextmanager
async def connected(server: Any, directory: Path) -> AsyncIterator[Tools]:
    """Tools of a server, used from a directory. The client lives in a task of its own, so that fixtures can use it."""
    ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    async def live() -> None:
        async with Client(server) as client:
            ready.set_result(client)
            await stop.wait()

    task = asyncio.create_task(live())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield Tools(ready.result(), directory)
    finally:
        stop.set()
        await task


async def until(true: Callable[[], Any], seconds: float = 60) -> None:
    """Wait for something outside of the process.

    Raises:
        TimeoutError: it does not come true.
    """
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.005)
