"""Looking for tools as an MCP server: tool_search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from ..server import READS, answer, tool
from .finding import find
from .shelf import shelf

if TYPE_CHECKING:
    from mimocode.session import Session

_SHOWN = 300
"""Characters of a description."""


def build(session: Session | None) -> MCPServer:
    """The server of a session; without one it only lists."""

    async def tool_search(
        query: Annotated[str, Field(description="What you want to do, or exact names of tools")],
        limit: Annotated[int, Field(ge=1, le=20)] = 8,
    ) -> CallToolResult:
        assert session is not None
        waiting = shelf(session).waiting()
        found = find(query, waiting, limit)
        names = [each.name for each in found]
        if not found:
            there = ", ".join(each.name for each in waiting)[:1000] or "none is waiting"
            return answer(f"No tool fits. There are: {there}", {"title": query, "tools": names})
        await shelf(session).load(found)
        lines = [f"- {each.name}: {' '.join(each.description.split())[:_SHOWN]}" for each in found]
        text = "\n".join(["You can call these from now on:", *lines])
        return answer(text, {"title": query, "tools": names})

    made = tool(__package__, tool_search, READS, permission="tool_search", patterns=["query"], inward=True)
    return MCPServer("deferred", log_level="WARNING", tools=[made])
