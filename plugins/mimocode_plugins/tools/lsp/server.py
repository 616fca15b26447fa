"""Language servers as an MCP server: lsp."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from mimocode.errors import ToolFailed

from ..place import Place
from ..server import READS, answer, here, tool
from .fleet import Fleet

Operation = Literal[
    "goToDefinition",
    "findReferences",
    "hover",
    "documentSymbol",
    "workspaceSymbol",
    "goToImplementation",
    "prepareCallHierarchy",
    "incomingCalls",
    "outgoingCalls",
    "diagnostics",
]


def build(place: Place, fleet: Fleet | None = None) -> MCPServer:
    """The server of one session."""

    async def lsp(
        ctx: Context,
        operation: Operation,
        file_path: str,
        line: Annotated[int | None, Field(ge=1)] = None,
        character: Annotated[int | None, Field(ge=1)] = None,
        query: str | None = None,
    ) -> CallToolResult:
        from .asking import ask

        seen = here(place, ctx)
        if fleet is None:
            raise ToolFailed("Language servers run in sessions only.")
        file = Path(os.path.realpath(seen.find(file_path)))  # noqa: ASYNC240 - one look at a local disk
        said = await ask(fleet, seen, operation, file, line or 1, character or 1, query or "")
        return answer(said, {"title": f"{operation} {seen.short(file)}"})

    told: dict[str, Any] = {"permission": "lsp", "paths": ["file_path"], "deferred": True}
    return MCPServer("lsp", log_level="WARNING", tools=[tool(__package__, lsp, READS, **told)])
