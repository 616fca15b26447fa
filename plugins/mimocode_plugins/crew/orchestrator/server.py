"""Sessions that are led, as an MCP server: session."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from mimocode.session import Session

from ..server import TEXT, acted, tool
from . import acting

SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": list(acting.ACTIONS)},
        "id": TEXT,
        "topic": {"type": "string", "description": "3 to 5 words"},
        "prompt": {"type": "string", "description": "the task, the message, the question"},
        "agent": {"type": "string", "description": "build (default), plan, compose or a custom one"},
        "model": TEXT,
        "worktree": {"type": "boolean", "description": "edit in a git worktree of its own"},
        "allow": {"type": "boolean", "description": "for approve; default true"},
        "timeout": {"type": "number", "description": "seconds for join and ask, default 600"},
    },
    "required": ["action"],
}


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def session_(
        action: str,
        id: str = "",
        topic: str = "",
        prompt: str = "",
        agent: str = "",
        model: str = "",
        worktree: bool = False,
        allow: bool = True,
        timeout: float = acting.PATIENCE,
    ) -> CallToolResult:
        wish = acting.Wish(id, topic, prompt, agent, model, worktree, allow, timeout)
        return await acted(session, acting, action, wish)

    made = tool(
        session_, __package__, schema=SCHEMA, permission="session", patterns=["action"], inward=True, deferred=True
    )
    return MCPServer("orchestrator", log_level="WARNING", tools=[made])
