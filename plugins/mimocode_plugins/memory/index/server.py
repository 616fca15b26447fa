"""Memory and history as an MCP server."""

from __future__ import annotations

import math
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

# What the original takes beside these (scope_id, message_id, before, after) is taken, too, and not told: every request
# carries these lines.
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
        "type": _TEXT,
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
        "session_id": _TEXT,
        "tool_name": _TEXT,
        "time_after": _TEXT,
        "time_before": _TEXT,
        "limit": _NUMBER,
        "offset": _NUMBER,
    },
    "required": ["operation"],
}


_ALIKE = 'Does it replace [{id}] "{text}"? Then propose it again with supersedes.'


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
        scope_id: str = "",
    ) -> str:
        desk = Desk(_of(session).host, session)
        match operation:
            case "search":
                hits = await desk.search(query or text, scope, [type] if type else [], limit, owner=scope_id)
                return "\n".join(map(_line, hits)) or _guidance("memory_none")
            case "open":
                return await desk.open(id or query, scope=scope)
            case "note":
                return await desk.note(text or query)
            case "propose":
                kept = await desk.propose(
                    text or query, section, "global" if scope == "global" else "project", supersedes
                )
                stays = f" [{kept.by}] holds until then." if kept.by else ""
                stays += "".join(f"\n{_ALIKE.format(id=one.id, text=one.text[:100])}" for one in desk.alike(kept))
                return f"Kept as [{kept.id}], {kept.status}. {_guidance(f'memory_{kept.status}')}{stays}"
            case "confirm":
                return f"Confirmed: {(await desk.confirm(id)).text}"
            case "forget":
                return f"Forgotten: {(await desk.forget(id)).text}"
        raise ToolFailed(f"There is no operation {operation!r}.")

    changes = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    reads = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    tools = [_tool(memory, MEMORY, changes), _tool(_history(session), HISTORY, reads)]
    return MCPServer("memory", log_level="WARNING", tools=tools)


def _history(session: Session | None) -> Callable[..., Awaitable[str]]:
    async def history(
        operation: str,
        query: str = "",
        place: str = "",
        scope: str = "",
        kind: str | list[str] = "",
        session_id: str = "",
        message_id: str = "",
        tool_name: str = "",
        time_after: str | float = "",
        time_before: str | float = "",
        before: int | None = None,
        after: int | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> str:
        asking = _of(session)
        match operation:
            case "search":
                kinds = [kind] if isinstance(kind, str) and kind else list(kind)
                when = log.moment(time_after, 0.0), log.moment(time_before, math.inf)
                wanted = log.Wanted(query, scope, kinds, session_id, tool_name, *when)
                return await log.search(asking, wanted, limit) or _guidance("history_none")
            case "around":
                sides = (limit // 2 if count is None else count for count in (before, after))
                return await log.around(asking, place or message_id, *sides)
            case "get":
                return await log.get(asking, place or message_id, max(offset, 0))
        raise ToolFailed(f"There is no operation {operation!r}.")

    return history


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
