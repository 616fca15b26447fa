"""Subagents as an MCP server: actor."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from mimocode.session import Session

from ..server import TEXT, acted, tool
from . import acting

SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": list(acting.ACTIONS)},
        "subagent_type": {
            "type": "string",
            "description": "explore, general (default), coder, tester, reviewer, verifier or a custom one",
        },
        "description": {"type": "string", "description": "3 to 5 words"},
        "prompt": {"type": "string", "description": "the task, or the message to send"},
        "context": {"type": "string", "enum": ["none", "state", "full"]},
        "model": TEXT,
        "output_schema": {"type": "object", "description": "JSON Schema of the result"},
        "worktree": {"type": "boolean", "description": "edit in a git worktree of its own"},
        "task_id": TEXT,
        "actor_id": TEXT,
        "timeout": {"type": "number", "description": "seconds to wait, default 600"},
    },
    "required": ["action"],
}


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def actor(
        action: str,
        subagent_type: str = "",
        description: str = "",
        prompt: str = "",
        context: str = "",
        model: str = "",
        output_schema: Any = None,
        worktree: bool = False,
        task_id: str = "",
        actor_id: str = "",
        timeout: float = acting.PATIENCE,
    ) -> CallToolResult:
        wish = acting.Wish(
            subagent_type, description, prompt, context, model, output_schema, worktree, task_id, actor_id, timeout
        )
        return await acted(session, acting, action, wish)

    made = tool(actor, __package__, schema=SCHEMA, permission="actor", patterns=["subagent_type"], inward=True)
    return MCPServer("actors", log_level="WARNING", tools=[made])
