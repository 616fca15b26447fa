"""A plugin for stories that are about the model: a log in memory and one real MCP tool, everything allowed."""

from __future__ import annotations

from typing import Any

from mcp.server.mcpserver import MCPServer

from mimocode import Ruling, Verdict, hookimpl
from mimocode.testing import MemoryStore


class Workshop:
    """Offers `look(what)`, which answers "a <what>"."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.memory = store or MemoryStore()

    @hookimpl
    async def open_store(self) -> MemoryStore:
        return self.memory

    @hookimpl
    async def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)

    @hookimpl
    async def tool_servers(self) -> list[Any]:
        server = MCPServer("workshop")

        @server.tool(structured_output=False)
        async def look(what: str) -> str:
            """Look at something."""
            return f"a {what}"

        return [server]
