"""Tasks as an MCP server."""

from __future__ import annotations

import re
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from mimocode.session import Session

from ..server import CHANGES, TEXT, answer, answered, tool
from . import book
from .tree import STATES

ACTIONS = ["create", "list", "get", "start", "block", "unblock", "done", "abandon", "rename"]
SCHEMA = {
    "type": "object",
    "properties": {
        "operation": {
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": ACTIONS},
                "id": TEXT,
                "summary": TEXT,
                "parent_id": TEXT,
                "event_summary": TEXT,
                "status": {"type": "string", "enum": list(STATES)},
                "include_terminal": {"type": "boolean"},
                "session_id": TEXT,
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
        async def work(session: Session) -> CallToolResult:
            text = await book.work(session, _snake(operation), script)
            shown = [{"id": t.id, "status": t.status, "summary": t.summary} for t in book.tasks(session).values()]
            return answer(text, {"title": _title(text), "tasks": shown})

        return await answered(session, work)

    return MCPServer("tasks", log_level="WARNING", tools=[tool(task, __package__, CHANGES, SCHEMA)])
