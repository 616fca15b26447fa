"""Somebody else's MCP server behind one of our own, so that what it does wrong ends here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types as types
from mcp import Client, MCPError
from mcp.client.subscriptions import SubscriptionLost
from mcp.server.lowlevel import Server
from mcp.shared.dispatcher import ProgressFnT
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mimocode.errors import MimoError, ToolFailed

from .known import Known
from .line import Line, Starts
from .reaching.server import Heard, connected, reason

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

T = TypeVar("T")
Changed = Callable[[Client], Awaitable[None]]
Health = Callable[[str], None]
_PAGES = 50
_HEADER = "x-mcp-header"
"""Marks an argument that is also sent as a header (protocol 2026-07-28, SEP-2243)."""
_REST = 1.0
"""Seconds between two looks at a list that keeps changing."""
_ASKS = (types.PromptListChangedNotification, types.ResourceListChangedNotification, types.ToolListChangedNotification)


def bridge(
    server: Known, session: Session, starts: Starts, changed: Changed | None = None, health: Health | None = None
) -> Server[Any]:
    """A server in this process that passes calls on.

    A call whose server says nothing for `patience` seconds fails, and so does every call when the server goes away;
    one that went away between calls is started again. What we know of the session (its id, its directory) is not
    passed on. `changed` is told when it offers something else now, `health` why it cannot be reached ("": it can).
    """
    heard, feels = Heard(), health or _unheard

    @asynccontextmanager
    async def connect(ended: Callable[[], None]) -> AsyncIterator[Client]:
        await starts.next()
        async with _watched(server, session, heard, changed, ended) as client:
            yield client

    @asynccontextmanager
    async def living(_: Server[Any]) -> AsyncIterator[Line]:
        line = Line(connect)
        try:
            await _opened(line, feels)
            yield line
        finally:
            await line.close()

    async def call(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        async def report(progress: float, total: float | None, message: str | None) -> None:
            heard.now()
            await ctx.session.report_progress(progress, total, message)

        try:
            return await _answered(ctx.lifespan_context, params, report, heard, server)
        except TimeoutError:
            return _failed(f"{server.name} said nothing for {server.patience:g} s; the call was given up.")
        except MCPError as error:
            if error.code == types.CONNECTION_CLOSED:
                raise
            return _failed(f"{server.name} refused: {_why(error, server, session, heard)}")
        except (MimoError, OSError) as error:
            feels(str(error))
            return _failed(f"{server.name} cannot be reached again: {error}")
        except (RuntimeError, ValueError) as error:  # a result that is not what the tool's schema promises
            return _failed(f"{server.name} gave an answer that makes no sense: {str(error)[:500]}")

    async def list_(ctx: Any, _: Any) -> types.ListToolsResult:
        result: types.ListToolsResult = await (await ctx.lifespan_context.client()).list_tools()
        return result

    return Server(server.name, lifespan=living, on_list_tools=list_, on_call_tool=call)


async def _opened(line: Line, feels: Health) -> None:
    try:
        await line.client()
    except Exception as error:
        feels(str(error) or type(error).__name__)
        raise
    feels("")


def _unheard(why: str) -> None:
    """Nobody wants to know."""


def _why(error: MCPError, server: Known, session: Session, heard: Heard) -> str:
    return reason(error, server, session.host.paths.state, heard) if server.url else str(error)


async def _answered(
    line: Line, params: types.CallToolRequestParams, report: ProgressFnT, heard: Heard, server: Known
) -> types.CallToolResult:
    for _ in range(2):
        result = await _passed_on(await line.client(), params, report, heard, server.patience)
        if result is not None:
            return result
        line.lost()  # its session is over: the call was not run
    return _failed(f"{server.name} ends every session at once.")


async def _passed_on(
    client: Client, params: types.CallToolRequestParams, report: ProgressFnT, heard: Heard, patience: float
) -> types.CallToolResult | None:
    """The result; None if a server over HTTP does not know our session any more."""
    heard.now()
    heard.status = 0
    try:
        return await _patiently(
            client.call_tool(params.name, params.arguments, progress_callback=report), heard, patience
        )
    except MCPError as error:
        if heard.status == 404 and error.code == types.INVALID_REQUEST:
            return None
        raise


@asynccontextmanager
async def _watched(
    server: Known, session: Session, heard: Heard, changed: Changed | None, ended: Callable[[], None]
) -> AsyncIterator[Client]:
    """A client; `changed` is told while it lives."""
    news = asyncio.Event()

    async def hear(message: Any) -> None:
        heard.now()
        if isinstance(message, _ASKS):
            news.set()

    async with connected(server, session.host, session, heard=heard, hear=hear, ended=ended) as client:
        tasks = [asyncio.ensure_future(_look_again(client, news, changed))] if changed else []
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
            tasks.append(asyncio.ensure_future(_follow(client, news)))
        try:
            if server.url and any(_HEADER in repr(s.schema) for s in session.toolbox.specs.values()):
                await client.list_tools()  # only then the library knows which arguments belong into headers
            yield client
        finally:
            for task in tasks:
                task.cancel()


async def _look_again(client: Client, news: asyncio.Event, changed: Changed) -> None:
    """Once for all that it said meanwhile, so that a server which says it all the time is not asked all the time."""
    while await news.wait():
        news.clear()
        await changed(client)
        await asyncio.sleep(_REST)


async def _follow(client: Client, news: asyncio.Event) -> None:
    """Protocol 2026-07-28 tells of changes only to those who ask for them."""
    able = client.server_capabilities.tools
    if able is None or not able.list_changed:
        return
    with suppress(MCPError, SubscriptionLost, TimeoutError):
        async with client.listen(tools_list_changed=True) as changes:
            async for _ in changes:
                news.set()


async def listing(server: Known, host: Host) -> dict[str, list[dict[str, Any]]]:
    """What a server offers: its `tools`, `prompts` and `resources`, as it lists them.

    Raises:
        ToolFailed: it cannot be reached, or takes too long.
    """

    async def look(client: Client) -> dict[str, list[dict[str, Any]]]:
        return await offer(client)

    return await using(server, host, look)


async def offer(client: Client) -> dict[str, list[dict[str, Any]]]:
    """What the server of a client offers."""
    able = client.server_capabilities
    found: dict[str, list[dict[str, Any]]] = {"tools": [], "prompts": [], "resources": []}
    for name, there, ask in (
        ("tools", True, client.list_tools),
        ("prompts", able.prompts, client.list_prompts),
        ("resources", able.resources, client.list_resources),
    ):
        cursor = None
        for _ in range(_PAGES if there else 0):
            page: Any = await ask(cursor=cursor)
            found[name] += [
                item.model_dump(mode="json", exclude_none=True, by_alias=False) for item in getattr(page, name)
            ]
            if not (cursor := page.next_cursor):
                break
    return found


async def using(server: Known, host: Host, work: Callable[[Client], Awaitable[T]], session: Session | None = None) -> T:
    """Connect, do something with the client, and close it, within the server's time.

    Raises:
        ToolFailed: it cannot be reached, refuses, or takes too long.
    """
    heard = Heard()
    try:
        async with asyncio.timeout(server.timeout), connected(server, host, session, heard=heard) as client:
            return await work(client)
    except TimeoutError:
        raise ToolFailed(f"the MCP server {server.name!r} did not answer in {server.timeout:g} s") from None
    except MimoError:
        raise
    except Exception as error:
        why = reason(error, server, host.paths.state, heard)
        raise ToolFailed(f"the MCP server {server.name!r} cannot be used: {why}") from error


async def prompt(server: Known, session: Session, name: str, arguments: dict[str, str]) -> str:
    """The text of a prompt of a server.

    Raises:
        ToolFailed: it cannot be had.
    """

    async def get(client: Client) -> str:
        found = await client.get_prompt(name, arguments)
        return "\n\n".join(text for message in found.messages if (text := _text(message.content)))

    return await using(server, session.host, get, session)


async def resource(server: Known, session: Session, uri: str) -> str:
    """The text of a resource of a server.

    Raises:
        ToolFailed: it cannot be had.
    """

    async def get(client: Client) -> str:
        found = await client.read_resource(uri)
        return "\n\n".join(_contents(part) for part in found.contents)

    return await using(server, session.host, get, session)


def _text(content: Any) -> str:
    match content.type:
        case "text":
            return str(content.text)
        case "resource":
            return _contents(content.resource)
        case "resource_link":
            return f"{content.name}: {content.uri}"
        case kind:
            return f"({kind}: not shown)"


def _contents(part: Any) -> str:
    if hasattr(part, "text"):
        return str(part.text)
    return f"({part.mime_type or 'binary'}, {len(part.blob) * 3 // 4} bytes: not shown)"


async def _patiently(calling: Coroutine[Any, Any, T], heard: Heard, patience: float) -> T:
    task = asyncio.ensure_future(calling)
    try:
        while not task.done():
            left = heard.left(patience)
            if left <= 0:
                raise TimeoutError
            await asyncio.wait({task}, timeout=left)
        return task.result()
    finally:
        task.cancel()


def _failed(text: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
