"""The goal as an MCP server."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from mimocode.session import Session

from .gate import current, set_goal, status


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""
    server = MCPServer("goal", log_level="WARNING")

    async def goal(action: Literal["get", "set"] = "get", condition: str = "") -> str:
        if session is None:
            raise ToolError("This needs a session.")
        if session.parent is not None and action == "set":
            raise ToolError("Only the main agent has a goal.")
        if action == "set":
            held = current(session)
            if held is not None and held.active:
                raise ToolError(f"There is a goal already: {held.condition}. Only the user can replace it.")
            if not condition.strip():
                raise ToolError("Give the condition.")
            await set_goal(session, condition.replace(" :: ", "; "), "agent")  # its words run nothing
        return status(session)

    server.add_tool(
        goal,
        description=files(__package__).joinpath("goal.md").read_text("utf-8").strip(),
        annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False),
        meta={"mimocode": {"deferred": True}},
        structured_output=False,
    )
    return server
