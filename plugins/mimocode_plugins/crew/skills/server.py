"""Skills as an MCP server: skill, skill_search."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from mimocode.session import Session

from ..server import answer, answered, tool
from .finding import find
from .loading import load
from .permit import permitted
from .shelf import shelf

_FILE = Field(description="a file of the skill instead")


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tools."""

    async def skill(name: str | list[str], file: Annotated[str, _FILE] = "") -> CallToolResult:
        names = [name] if isinstance(name, str) else name

        async def work(session: Session) -> CallToolResult:
            return answer(await load(names, file, session), {"skills": names})

        return await answered(session, work)

    async def skill_search(query: str) -> CallToolResult:
        async def work(session: Session) -> CallToolResult:
            found = find(query, await permitted(shelf(session.host).offered(), session))
            lines = [f"{each.name}: {each.description}" for each in found]
            return answer("\n".join(lines) or "No skill fits.", {"skills": [each.name for each in found]})

        return await answered(session, work)

    made = tool(skill, __package__, permission="skill", patterns=["name"])
    search = tool(skill_search, __package__, permission="skill_search")
    return MCPServer("skills", log_level="WARNING", tools=[made, search])
