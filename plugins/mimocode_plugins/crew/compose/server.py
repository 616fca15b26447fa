"""Gates as an MCP server: gate."""

from __future__ import annotations

from importlib.resources import files

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from mimocode.errors import MimoError
from mimocode.session import Session

from .gating import close


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def gate(task: str, command: str = "", file: str = "", note: str = "") -> CallToolResult:
        if session is None:
            return _answer("This needs a session.", error=True)
        try:
            text = await close(session, task, command, file, note)
        except MimoError as error:
            return _answer(str(error), f"{task}: {command or file}", error=True)
        return _answer(text, f"{text.partition('. ')[0]} by {command or file}")

    description = files(__package__).joinpath("gate.md").read_text("utf-8").strip()
    hints = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    meta = {"mimocode": {"permission": "gate", "inward": True}}
    made = Tool.from_function(gate, description=description, annotations=hints, structured_output=False, meta=meta)
    return MCPServer("compose", log_level="WARNING", tools=[made])


def _answer(text: str, title: str = "", *, error: bool = False) -> CallToolResult:
    told = {"title": title} if title else None
    return CallToolResult(content=[TextContent(text=text)], is_error=error, structured_content=told)
