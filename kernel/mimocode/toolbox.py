"""All tools, one door: every server is spoken to through an MCP client.

A server with a catalogue is offered before it runs and opened at its first call, so that a session's first request
does not wait for the MCP library. Each server lives in a task of its own, because a client must be closed by the
task that opened it; what goes wrong there costs that server's tools and nothing else.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future
from fnmatch import fnmatchcase
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from .errors import PluginError, ToolFailed
from .messages import JSON, Block, Media, Text, ToolCall, ToolSpec
from .ports import Agent, ToolResult, ToolServer

if TYPE_CHECKING:
    from mcp import Client

Progress = Callable[[str], Awaitable[None]]
Complain = Callable[[str, BaseException], None]
T = TypeVar("T")

GRACE = 0.2  # seconds that an interrupted tool gets to tidy up


class Toolbox:
    """The tools of one session."""

    def __init__(self, complain: Complain) -> None:
        self.specs: dict[str, ToolSpec] = {}
        self._links: dict[str, _Link] = {}
        self._waiting: list[_Link] = []
        self._complain = complain

    def offer(self, plugin: str, servers: Iterable[Any]) -> None:
        """Take a plugin's servers: `ToolServer`s, or anything that `mcp.Client` connects to."""
        for server in servers:
            if not isinstance(server, ToolServer):
                server = ToolServer(getattr(server, "name", plugin), repeat(server).__next__)
            link = _Link(plugin, server)
            if server.catalogue is None:
                self._waiting.append(link)
            else:
                listed = msgspec.json.decode(server.catalogue.read_bytes())
                self._add(link, [_spec(tool, server) for tool in listed])

    async def ready(self) -> None:
        """Connect the servers that have no catalogue; one that fails or is slow is reported and left out."""
        waiting, self._waiting = self._waiting, []
        listed = await asyncio.gather(*(link.list() for link in waiting), return_exceptions=True)
        for link, specs in zip(waiting, listed, strict=True):
            if isinstance(specs, BaseException):
                self._complain(link.plugin, specs)
                await link.close()
            else:
                self._add(link, specs)

    def _add(self, link: _Link, specs: Iterable[ToolSpec]) -> None:
        for spec in specs:
            if (other := self.specs.get(spec.name)) is not None:
                clash = f"its tool {spec.name!r} is left out, the server {other.server!r} has one of that name"
                self._complain(link.plugin, PluginError(link.plugin, clash))
                continue
            self.specs[spec.name] = spec
            self._links[spec.name] = link

    def offered(self, agent: Agent) -> tuple[ToolSpec, ...]:
        """What this agent's model is told of, in a stable order."""
        return tuple(spec for spec in self.specs.values() if _allowed(agent, spec.name))

    def provider(self, tool: str) -> str:
        """The plugin that brought a tool, or ""."""
        return self._links[tool].plugin if tool in self._links else ""

    async def call(self, call: ToolCall, progress: Progress, meta: dict[str, Any]) -> ToolResult:
        """Run a call and wait for its answer; `ToolFailed` says why there is none."""
        if (spec := self.specs.get(call.name)) is None:
            raise ToolFailed(f"there is no tool {call.name!r}; there are: {', '.join(sorted(self.specs))}")
        if call.malformed:
            raise ToolFailed(f"the arguments were not one JSON object, nothing was run: {call.malformed[:200]!r}")

        async def report(done: float, total: float | None, note: str | None) -> None:
            await progress(note or f"{done:g}" + (f" of {total:g}" if total else ""))

        link = self._links[call.name]
        client = await link.client()
        name = spec.meta.get("mimocode", {}).get("remote_name", call.name)
        calling = client.call_tool(name, _arguments(call, spec), progress_callback=report, meta=meta)  # type: ignore[arg-type]
        try:
            return _result(await _abandonable(calling))
        except Exception as error:
            await link.close()  # the next call opens it again
            broke = f"the tool server {spec.server!r} broke while it worked on this: {error}"
            raise ToolFailed(broke) from error

    def warm(self) -> None:
        """Start loading the MCP library in the background, while something else is waited for."""
        if self._links:
            _library()

    async def close(self) -> None:
        """Close every server."""
        links = {id(link): link for link in (*self._links.values(), *self._waiting)}
        await asyncio.gather(*(link.close() for link in links.values()), return_exceptions=True)


class _Link:
    """One server: opened at most once, kept open until `close`."""

    def __init__(self, plugin: str, server: ToolServer) -> None:
        self.plugin, self.server = plugin, server
        self._task: asyncio.Task[None] | None = None
        self._client: asyncio.Future[Client] | None = None
        self._stop = asyncio.Event()

    async def client(self) -> Client:
        """The connected client; `ToolFailed` says why there is none."""
        if not _library().done():  # no server's delay, and nobody's to end
            await asyncio.wait([asyncio.wrap_future(_library())])
        if self._task is None or self._task.done():  # never opened, or it died: open it again
            self._client = asyncio.get_running_loop().create_future()
            self._stop = asyncio.Event()
            self._task = asyncio.create_task(self._live(self._client, self._stop), name=f"tools {self.server.name}")
        assert self._client is not None
        return await self._in_time(asyncio.shield(self._client))

    async def _in_time(self, waited: Awaitable[T]) -> T:
        try:
            return await asyncio.wait_for(waited, self.server.timeout)
        except TimeoutError:
            late = f"the tool server {self.server.name!r} did not answer in {self.server.timeout:g} s"
            raise ToolFailed(late) from None

    async def _live(self, connected: asyncio.Future[Client], stop: asyncio.Event) -> None:
        try:
            from mcp import Client

            async with Client(self.server.open()) as client:
                connected.set_result(client)
                await stop.wait()
        except Exception as error:
            if connected.done():  # it broke after it was up: the next call opens it again
                return
            why = f"{type(error).__name__}: {error}"
            connected.set_exception(ToolFailed(f"the tool server {self.server.name!r} cannot be opened: {why}"))
            connected.exception()  # seen, even if nobody asks

    async def list(self) -> list[ToolSpec]:
        """The server's tools as it lists them itself."""
        client = await self.client()
        tools, cursor = [], None
        while True:
            page = await self._in_time(client.list_tools(cursor=cursor))
            tools += [tool.model_dump(mode="json", exclude_none=True, by_alias=False) for tool in page.tools]
            if not (cursor := page.next_cursor):
                return [_spec(tool, self.server) for tool in tools]

    async def close(self) -> None:
        """Close the client, if there is one."""
        task, self._task = self._task, None
        self._stop.set()
        if task is not None:
            _, late = await asyncio.wait([task], timeout=2)
            for task in late:
                task.cancel()


@cache
def _library() -> Future[None]:
    """The MCP library, imported once per process in a thread that nothing waits for at exit."""
    loaded: Future[None] = Future()

    def load() -> None:
        try:
            import mcp.server.mcpserver  # noqa: F401
        except BaseException as error:
            loaded.set_exception(error)
        else:
            loaded.set_result(None)

    threading.Thread(target=load, name="load mcp", daemon=True).start()
    return loaded


async def _abandonable(calling: Coroutine[Any, Any, T]) -> T:
    """Await, but do not let a tool that ignores its cancellation hold up the interruption."""
    task = asyncio.create_task(calling)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE)
        raise
    return task.result()


def _spec(tool: JSON, server: ToolServer) -> ToolSpec:
    name, meta = tool["name"], dict(tool.get("meta") or {})
    if server.external:  # a stranger's word on what its tool does counts for nothing
        meta = {"mimocode": {"remote_name": name}}
        name = re.sub(r"[^A-Za-z0-9_-]", "_", f"{server.name}_{name}")
    hints = {} if server.external else tool.get("annotations") or {}
    return ToolSpec(name, tool.get("description") or "", tool["input_schema"], server.name, hints, meta)


def _allowed(agent: Agent, tool: str) -> bool:
    return next((allow for pattern, allow in [*agent.tools.items()][::-1] if fnmatchcase(tool, pattern)), True)


def _arguments(call: ToolCall, spec: ToolSpec) -> dict[str, Any]:
    """The arguments, with camelCase names (older prompts, other products) turned into the schema's own."""
    known = spec.schema.get("properties", {})
    renamed = {}
    for name, value in call.arguments.items():
        snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
        renamed[snake if name not in known and snake in known else name] = value
    return renamed


def _result(answer: Any) -> ToolResult:
    blocks = tuple(block for item in answer.content if (block := _block(item)) is not None)
    display = answer.structured_content
    if not blocks and display is not None:
        blocks = (Text(msgspec.json.encode(display).decode()),)
    return ToolResult(blocks, bool(answer.is_error), display)


def _block(item: Any) -> Block | None:
    match item.type:
        case "text":
            return Text(item.text)
        case "image" | "audio":
            return Media(item.mime_type, item.data)
        case "resource" if hasattr(item.resource, "text"):
            return Text(item.resource.text)
        case "resource":
            kind = item.resource.mime_type or "application/octet-stream"
            return Media(kind, item.resource.blob, str(item.resource.uri))
        case "resource_link":
            return Text(f"{item.name}: {item.uri}")
        case _:
            return None
