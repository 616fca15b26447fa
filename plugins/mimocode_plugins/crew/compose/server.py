"""Gates as an MCP server: gate."""

from __future__ import annotations

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from mimocode.session import Session

from ..server import CHANGES, answer, answered, tool
from .gating import close


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def gate(task: str, command: str = "", file: str = "", note: str = "") -> CallToolResult:
        async def work(session: Session) -> CallToolResult:
            text = await close(session, task, command, file, note)
            return answer(text, {"title": f"{text.partition('. ')[0]} by {command or file}"})

        return await answered(session, work, {"title": f"{task}: {command or file}"})

    return MCPServer(
        "compose", log_level="WARNING", tools=[tool(gate, __package__, CHANGES, permission="gate", inward=True)]
    )
