"""One MCP server in front of a session's tools: every call is ruled on, logged and answered as the agent's own are."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import secrets
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import mcp_types as types
from anyio import BrokenResourceError, ClosedResourceError
from mcp import MCPError
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from mimocode import __version__, turn
from mimocode.errors import UsageError
from mimocode.events import CallFinished, MessageAdded
from mimocode.messages import Media, Text, ToolCall, ToolSpec, assistant
from mimocode.session import INTERRUPTED

from . import SERVING

if TYPE_CHECKING:
    from mimocode.ports import ToolResult
    from mimocode.session import Session

Asgi = Callable[[Any, Any, Any], Awaitable[None]]


def build(session: Session, names: Sequence[str]) -> Server[Any]:
    """A server with the tools of these names (of servers or tools), or with all that are ours.

    Raises:
        UsageError: there is no such server or tool.
    """
    specs = _chosen(session, names)
    alone, numbers = asyncio.Lock(), itertools.count(1)

    async def list_(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_tool(spec) for spec in specs.values()])

    async def call(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in specs:
            raise MCPError(types.INVALID_PARAMS, f"there is no tool {params.name!r}")
        asked = ToolCall(f"served_{next(numbers)}", params.name, params.arguments or {})
        async with alone:  # the log is that of one conversation: a call, its answer, the next call
            with _heard(session, asked, ctx):
                return _result(await _answer(session, asked))

    return Server("mimocode", version=__version__, on_list_tools=list_, on_call_tool=call)


def _chosen(session: Session, names: Sequence[str]) -> dict[str, ToolSpec]:
    specs = session.toolbox.specs
    ours = {
        name: spec for name, spec in specs.items() if not {"remote_name", "inward"} & {*spec.meta.get("mimocode", {})}
    }
    known = {spec.server for spec in ours.values()} | ours.keys()
    if odd := [name for name in names if name not in known]:
        servers = ", ".join(sorted({spec.server for spec in ours.values()}))
        raise UsageError(f"there is no server or tool {odd[0]!r} to offer; there is {servers}")
    return {name: spec for name, spec in ours.items() if not names or {name, spec.server} & set(names)}


@contextmanager
def _heard(session: Session, call: ToolCall, ctx: Any) -> Iterator[None]:
    """Tell the other side what a call says while it works."""
    steps, reports = itertools.count(1), session.stash.setdefault(SERVING, {})

    async def report(text: str) -> None:
        with suppress(MCPError, ClosedResourceError, BrokenResourceError):  # nobody listens any more
            await ctx.session.report_progress(next(steps), None, text)

    reports[call.id] = report
    try:
        yield
    finally:
        del reports[call.id]


async def _answer(session: Session, call: ToolCall) -> ToolResult:
    """As in a turn: the call is in the log before it is ruled on, and its result before it is shown."""
    await session.emit(MessageAdded(assistant("", call)))
    try:
        return await turn.answer(session, call)
    except asyncio.CancelledError:  # the other side gave up: no call stays unanswered
        if session.state.unanswered:
            await session.emit(CallFinished(call.id, (Text(INTERRUPTED),), error=True))
        raise


def _tool(spec: ToolSpec) -> types.Tool:
    hints = types.ToolAnnotations.model_validate(dict(spec.hints)) if spec.hints else None
    schema = dict(spec.schema)
    return types.Tool(name=spec.name, description=spec.description, input_schema=schema, annotations=hints)


def _result(result: ToolResult) -> types.CallToolResult:
    content: list[types.ContentBlock] = []
    for block in result.content:
        if isinstance(block, Text):
            content.append(types.TextContent(text=block.text))
        elif isinstance(block, Media) and block.mime.startswith("image/"):
            content.append(types.ImageContent(data=block.data, mime_type=block.mime))
        elif isinstance(block, Media) and block.mime.startswith("audio/"):
            content.append(types.AudioContent(data=block.data, mime_type=block.mime))
        elif isinstance(block, Media):
            blob = types.BlobResourceContents(uri=f"file:///{block.name}", mime_type=block.mime, blob=block.data)
            content.append(types.EmbeddedResource(resource=blob))
    return types.CallToolResult(content=content, is_error=result.error)


async def serve(session: Session, names: Sequence[str], port: int | None) -> int:
    """Serve until the other side ends (stdio) or a signal comes (HTTP on `port` of the loopback interface).

    Raises:
        UsageError: a name is unknown, or the port is taken.
    """
    server = build(session, names)
    if port is not None:
        await _over_http(server, port)
        return 0
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
    return 0


async def _over_http(server: Server[Any], port: int) -> None:
    import uvicorn

    token = secrets.token_urlsafe(32)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", port))
            listening.listen(64)  # who reads the address may come at once
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot listen on port {port}: {error}") from None
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        sys.stderr.write(f"serving at {url}\nAuthorization: Bearer {token}\n")
        sys.stderr.flush()
        app = _guarded(server.streamable_http_app(host="127.0.0.1"), token)
        config = uvicorn.Config(app, log_level="error", access_log=False, lifespan="on")
        await uvicorn.Server(config).serve(sockets=[listening])


def _guarded(app: Asgi, token: str) -> Asgi:
    """Only who knows the token gets through. Host and Origin are checked by the library behind it."""
    expected = f"Bearer {token}".encode()

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] == "lifespan" or hmac.compare_digest(given, expected):
            await app(scope, receive, send)
            return
        headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b"A token is needed.\n"})

    return guarded
