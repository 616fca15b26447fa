"""Workflows as an MCP server: workflow."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from mimocode.session import Session

from ..server import TEXT, acted, tool
from . import calling

SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": list(calling.ACTIONS)},
        "name": TEXT,
        "script": {"type": "string", "description": "Python, instead of a name"},
        "args": {"type": "object", "description": "what run(args) gets; most take text"},
        "workspace": {"type": "string", "description": "folder of the project that it works in"},
        "async": {"type": "boolean", "description": "in the background"},
        "id": {"type": "string", "description": "of a run: wf_..."},
        "timeout": {"type": "number", "description": "seconds to wait, default 600"},
    },
    "required": ["action"],
}


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def workflow(
        action: str,
        name: str = "",
        script: str = "",
        args: Any = None,
        workspace: str = "",
        background: Annotated[bool, Field(validation_alias="async")] = False,
        id: str = "",
        timeout: float = calling.PATIENCE,
    ) -> CallToolResult:
        wish = calling.Wish(name, script, args, workspace, background, id, timeout)
        return await acted(session, calling, action, wish)

    made = tool(
        workflow, __package__, schema=SCHEMA, permission="workflow", patterns=["name"], inward=True, deferred=True
    )
    return MCPServer("workflows", log_level="WARNING", tools=[made])
