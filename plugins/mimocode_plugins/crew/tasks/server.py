"""Tasks as an MCP server."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from mimocode.errors import ToolFailed
from mimocode.session import Session

from . import book
from .tree import STATES

_TEXT = {"type": "string"}
ACTIONS = ["create", "list", "get", "start", "block", "unblock", "done", "abandon", "rename"]
SCHEMA = {
    "type": "object",
    "properties": {
        "operation": {
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": ACTIONS},
                "id": _TEXT,
                "summary": _TEXT,
                "parent_id": _TEXT,
                "event_summary": _TEXT,
                "status": {"type": "string", "enum": list(STATES)},
                "include_terminal": {"type": "boolean"},
                "session_id": _TEXT,
            },
            "required": ["action"],
        },
        "script": {
            "type": "string",
            "description": 'instead, several at once, a line each: create "Fix login" --parent T1',
        },
    },
}


def _snake(operation: Any) -> Any:
    """The operation with its names in our spelling: camelCase is taken, too."""
    if not isinstance(operation, dict):
        return operation
    return {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", str(name)).lower(): value for name, value in operation.items()}


def _title(text: str) -> str:
    """What came of a call, on one line for the screen."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    more = f" and {len(lines) - 2} more" if len(lines) > 3 else ""
    return "; ".join(lines[:2] if more else lines) + more


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def task(operation: Any = None, script: str = "") -> CallToolResult:
        try:
            if session is None:
                raise ToolFailed("This needs a session.")
            text = await book.work(session, _snake(operation), script)
        except ToolFailed as error:
            return CallToolResult(content=[TextContent(text=str(error))], is_error=True)
        shown = [{"id": t.id, "status": t.status, "summary": t.summary} for t in book.tasks(session).values()]
        told = {"title": _title(text), "tasks": shown}
        return CallToolResult(content=[TextContent(text=text)], structured_content=told)

    description = files(__package__).joinpath("task.md").read_text("utf-8").strip()
    hints = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
    made = Tool.from_function(task, description=description, annotations=hints, structured_output=False)
    tool = made.model_copy(update={"parameters": SCHEMA})
    return MCPServer("tasks", log_level="WARNING", tools=[tool])
