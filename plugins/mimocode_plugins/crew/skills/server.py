"""Skills as an MCP server: skill, skill_search."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from mimocode.errors import ToolFailed
from mimocode.session import Session

from .finding import find
from .loading import load
from .permit import permitted
from .shelf import shelf

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
_FILE = Field(description="a file of the skill instead")


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tools."""

    async def skill(name: str | list[str], file: Annotated[str, _FILE] = "") -> CallToolResult:
        names = [name] if isinstance(name, str) else name
        if session is None:
            return _answer("This needs a session.", error=True)
        try:
            return _answer(await load(names, file, session), {"skills": names})
        except ToolFailed as error:
            return _answer(str(error), error=True)

    async def skill_search(query: str) -> CallToolResult:
        if session is None:
            return _answer("This needs a session.", error=True)
        found = find(query, await permitted(shelf(session.host).offered(), session))
        lines = [f"{each.name}: {each.description}" for each in found]
        return _answer("\n".join(lines) or "No skill fits.", {"skills": [each.name for each in found]})

    tools = [_tool(skill, permission="skill", patterns=["name"]), _tool(skill_search, permission="skill_search")]
    return MCPServer("skills", log_level="WARNING", tools=tools)


def _tool(function: Any, **told: Any) -> Tool:
    description = files(__package__).joinpath(f"{function.__name__}.md").read_text("utf-8").strip()
    return Tool.from_function(
        function, description=description, annotations=_READS, structured_output=False, meta={"mimocode": told}
    )


def _answer(text: str, display: dict[str, Any] | None = None, *, error: bool = False) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], structured_content=display, is_error=error)
