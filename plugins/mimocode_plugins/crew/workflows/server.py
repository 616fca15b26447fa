"""Workflows as an MCP server: workflow."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from mimocode.errors import MimoError
from mimocode.session import Session

from . import calling

_TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": list(calling.ACTIONS)},
        "name": _TEXT,
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
        if session is None:
            return _answer("This needs a session.", error=True)
        wish = calling.Wish(name, script, args, workspace, background, id, timeout)
        do = calling.ACTIONS.get(action)
        try:
            if do is None:
                return _answer(f"action is one of {', '.join(calling.ACTIONS)}.", error=True)
            return _answer(await do(session, wish), display=calling.display(session, action, wish))
        except MimoError as error:
            return _answer(str(error), error=True)

    description = files(__package__).joinpath("workflow.md").read_text("utf-8").strip()
    # read-only: it changes nothing itself; what its agents do is ruled on call by call
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
    meta = {"mimocode": {"permission": "workflow", "patterns": ["name"], "inward": True, "deferred": True}}
    made = Tool.from_function(workflow, description=description, annotations=hints, structured_output=False, meta=meta)
    tool = made.model_copy(update={"parameters": SCHEMA})
    return MCPServer("workflows", log_level="WARNING", tools=[tool])


def _answer(text: str, *, error: bool = False, display: dict[str, Any] | None = None) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=error, structured_content=display)
