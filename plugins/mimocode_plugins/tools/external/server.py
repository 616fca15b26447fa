"""Somebody else's MCP server behind one of our own, so that what it does wrong ends here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import mcp_types as types
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.server.lowlevel import Server
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.message import SessionMessage

from mimocode.errors import ToolFailed

from .known import Known, environment
from .pipe import piped

T = TypeVar("T")
_LOG = 2_000_000
"""Bytes of what a server writes to its standard error that are kept from one start to the next."""
_PAGES = 50


def bridge(server: Known, root: Path, state: Path) -> Server[Any]:
    """A server in this process that passes calls on.

    A call whose server says nothing for `patience` seconds fails, and so does every call when the server goes away.
    What we know of the session (its id, its directory) is not passed on.
    """

    @asynccontextmanager
    async def living(_: Server[Any]) -> AsyncIterator[Client]:
        async with connected(server, root, state) as client:
            yield client

    async def call(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        heard = [time.monotonic()]

        async def report(done: float, total: float | None, note: str | None) -> None:
            heard[0] = time.monotonic()
            await ctx.session.report_progress(done, total, note)

        calling = ctx.lifespan_context.call_tool(params.name, params.arguments, progress_callback=report)
        try:
            result: types.CallToolResult = await _patiently(calling, heard, server.patience)
            return result
        except TimeoutError:
            return _failed(f"{server.name} said nothing for {server.patience:g} s; the call was given up.")
        except MCPError as error:
            if error.code == types.CONNECTION_CLOSED:
                raise
            return _failed(f"{server.name} refused: {error}")
        except (RuntimeError, ValueError) as error:  # a result that is not what the tool's schema promises
            return _failed(f"{server.name} gave an answer that makes no sense: {str(error)[:500]}")

    async def list_(ctx: Any, _: Any) -> types.ListToolsResult:
        result: types.ListToolsResult = await ctx.lifespan_context.list_tools()
        return result

    return Server(server.name, lifespan=living, on_list_tools=list_, on_call_tool=call)


async def listing(server: Known, root: Path, state: Path) -> list[dict[str, Any]]:
    """The tools of a server, as it lists them.

    Raises:
        ToolFailed: it cannot be reached, or takes too long.
    """
    tools: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(server.timeout), connected(server, root, state) as client:
            cursor = None
            for _ in range(_PAGES):
                page = await client.list_tools(cursor=cursor)
                tools += [tool.model_dump(mode="json", exclude_none=True, by_alias=False) for tool in page.tools]
                if not (cursor := page.next_cursor):
                    break
    except TimeoutError:
        raise ToolFailed(f"the MCP server {server.name!r} did not answer in {server.timeout:g} s") from None
    except Exception as error:
        raise ToolFailed(f"the MCP server {server.name!r} cannot be used: {reason(error, server, state)}") from error
    return tools


@asynccontextmanager
async def connected(server: Known, root: Path, state: Path) -> AsyncIterator[Client]:
    """A client of a server, which is started for it. Sampling and elicitation are not offered."""

    async def roots(context: Any) -> types.ListRootsResult:
        return types.ListRootsResult(roots=[types.Root.model_validate({"uri": root.as_uri()})])

    async def log(params: types.LoggingMessageNotificationParams) -> None:
        logging.getLogger(f"mimocode.mcp.{server.name}").info("%r", str(params.data)[:2000])

    async with (
        _transport(server, state) as transport,
        Client(transport, list_roots_callback=roots, logging_callback=log) as client,
    ):
        yield client


@asynccontextmanager
async def _transport(server: Known, state: Path) -> AsyncIterator[Any]:
    if server.url:
        async with create_mcp_http_client(headers=dict(server.headers)) as http:
            yield streamable_http_client(server.url, http_client=http)
        return
    with _log(server, state) as errors:
        yield piped(server.command, environment(server), server.directory or None, errors, _read, _write)


def _read(line: bytes) -> SessionMessage:
    return SessionMessage(types.jsonrpc_message_adapter.validate_json(line, by_name=False))


def _write(message: SessionMessage) -> bytes:
    return message.message.model_dump_json(by_alias=True, exclude_unset=True).encode()


def _log(server: Known, state: Path) -> TextIO:
    path = log_of(server, state)
    path.parent.mkdir(parents=True, exist_ok=True)
    again = path.exists() and path.stat().st_size < _LOG
    return path.open("a" if again else "w", encoding="utf-8")


def log_of(server: Known, state: Path) -> Path:
    """Where the standard error of a server goes."""
    return state / "mcp" / f"{''.join(c if c.isalnum() or c in '-_' else '_' for c in server.name)}.log"


async def _patiently(calling: Coroutine[Any, Any, T], heard: list[float], patience: float) -> T:
    task = asyncio.ensure_future(calling)
    try:
        while not task.done():
            left = heard[0] + patience - time.monotonic()
            if left <= 0:
                raise TimeoutError
            await asyncio.wait({task}, timeout=left)
        return task.result()
    finally:
        task.cancel()


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)


def reason(error: BaseException, server: Known, state: Path) -> str:
    """Why a server cannot be used, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403):
        return f"it wants authorization (HTTP {status}); give it a header in the settings"
    if isinstance(error, FileNotFoundError) and server.command:
        return f"there is no command {server.command[0]!r}"
    text = str(error).strip() or type(error).__name__
    return text if server.url else f"{text} (its messages are in {log_of(server, state)})"
