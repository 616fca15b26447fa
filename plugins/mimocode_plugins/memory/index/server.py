"""Memory and history as an MCP server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from mimocode.errors import StoreError, ToolFailed
from mimocode.session import Session

from . import log
from .desk import Desk
from .ranking import Hit

_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
MEMORY = {
    "type": "object",
    "properties": {
        "operation": {"type": "string", "enum": ["search", "open", "note", "propose", "confirm", "forget"]},
        "query": _TEXT,
        "text": _TEXT,
        "id": {"type": "string", "description": "item id, or path[:line] to open"},
        "scope": {"type": "string", "enum": ["session", "project", "global"]},
        "section": _TEXT,
        "supersedes": _TEXT,
        "limit": _NUMBER,
    },
    "required": ["operation"],
}
HISTORY = {
    "type": "object",
    "properties": {
        "operation": {"type": "string", "enum": ["search", "around", "get"]},
        "query": _TEXT,
        "place": {"type": "string", "description": "session#number"},
        "scope": {"type": "string", "enum": ["session", "project"]},
        "kind": {"type": "string", "enum": ["user_text", "assistant_text", "tool_input", "tool_error"]},
        "limit": _NUMBER,
        "offset": _NUMBER,
    },
    "required": ["operation"],
}


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tools."""

    async def memory(
        operation: str,
        query: str = "",
        text: str = "",
        id: str = "",
        scope: str = "",
        section: str = "",
        supersedes: str = "",
        limit: int = 10,
        type: str = "",
    ) -> str:
        desk = Desk(_of(session).host, session)
        match operation:
            case "search":
                hits = await desk.search(query or text, scope, [type] if type else [], limit)
                return "\n".join(map(_line, hits)) or _guidance("memory_none")
            case "open":
                return await desk.open(id or query, scope=scope)
            case "note":
                return await desk.note(text or query)
            case "propose":
                kept = await desk.propose(
                    text or query, section, "global" if scope == "global" else "project", supersedes
                )
                return f"Kept as [{kept.id}], {kept.status}. {_guidance(f'memory_{kept.status}')}"
            case "confirm":
                return f"Confirmed: {(await desk.confirm(id)).text}"
            case "forget":
                return f"Forgotten: {(await desk.forget(id)).text}"
        raise ToolFailed(f"There is no operation {operation!r}.")

    async def history(
        operation: str,
        query: str = "",
        place: str = "",
        scope: str = "",
        kind: str = "",
        limit: int = 10,
        offset: int = 0,
    ) -> str:
        return await _history(_of(session), operation, query, place, scope, kind, limit, offset)

    changes = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    tools = [_tool(memory, MEMORY, changes), _tool(history, HISTORY, reads)]
    return MCPServer("memory", log_level="WARNING", tools=tools)


async def _history(
    session: Session, operation: str, query: str, place: str, scope: str, kind: str, limit: int, offset: int
) -> str:
    match operation:
        case "search":
            return await log.search(session, query, scope, kind, limit) or _guidance("history_none")
        case "around":
            return await log.around(session, place, limit // 2, limit // 2)
        case "get":
            return await log.get(session, place, max(offset, 0))
    raise ToolFailed(f"There is no operation {operation!r}.")


def _tool(run: Callable[..., Awaitable[str]], schema: dict[str, Any], hints: ToolAnnotations) -> Tool:
    @wraps(run)
    async def foreseen(**arguments: Any) -> CallToolResult:
        try:
            return CallToolResult(content=[TextContent(text=await run(**arguments))])
        except (ToolFailed, StoreError) as error:
            return CallToolResult(content=[TextContent(text=str(error))], is_error=True)

    made = Tool.from_function(foreseen, description=_guidance(run.__name__), annotations=hints, structured_output=False)
    return made.model_copy(update={"parameters": schema})


def _guidance(name: str) -> str:
    return files(__package__).joinpath(f"{name}.md").read_text("utf-8").strip()


def _of(session: Session | None) -> Session:
    if session is None:
        raise ToolFailed("This needs a session.")
    return session


def _line(hit: Hit) -> str:
    name = f"[{hit.key[2:]}]" if hit.key.startswith("m:") else f"{hit.path}:{hit.key}"
    status = f", {hit.status}" if hit.status else ""
    return f"{name} ({hit.scope.removesuffix('s')} {hit.type}{status}): {' '.join(hit.text.split())[:400]}"
