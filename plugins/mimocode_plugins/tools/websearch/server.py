"""Web search as an MCP server: websearch."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from ..server import answer, tool
from .asking import ask
from .choosing import Service

_SEARCHES = ToolAnnotations(read_only_hint=True, open_world_hint=True)


def build(service: Service) -> MCPServer:
    """The server for one search service."""

    async def websearch(
        query: str, num_results: Annotated[int | None, Field(description="Default 8, at most 20")] = None
    ) -> CallToolResult:
        found = await ask(service, query, 8 if num_results is None else num_results)
        lines = [f"{n}. {f.title}\n   {f.url}\n   {f.excerpt}".rstrip() for n, f in enumerate(found, 1)]
        display = {"title": query, "count": len(found)}
        return answer("\n".join(lines) or "Nothing was found; try other words.", display)

    return MCPServer(
        "websearch",
        log_level="WARNING",
        tools=[tool(__package__, websearch, _SEARCHES, permission="websearch", patterns=["query"], deferred=True)],
    )
