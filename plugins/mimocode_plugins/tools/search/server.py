"""The searches as an MCP server: glob, grep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeVar

from anyio import to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult
from pydantic import Field

from ..place import Place, show
from ..server import READS, answer, here, tool
from . import finding
from .found import as_text
from .ripgrep import Job

T = TypeVar("T")


def build(place: Place) -> MCPServer:
    """The server of one session."""

    async def glob(
        ctx: Context,
        pattern: str,
        path: Annotated[str | None, Field(description="Directory; default the working directory")] = None,
    ) -> CallToolResult:
        where = here(place, ctx)
        listed = await _searching(lambda job: finding.glob(where, pattern, path or "", job))
        return answer(
            listed.text, {"title": pattern, "count": listed.total, "paths": [show(found) for found in listed.paths]}
        )

    async def grep(
        ctx: Context,
        pattern: Annotated[str, Field(description="Regular expression, matched within a line")],
        path: Annotated[str | None, Field(description="Directory or file; default the working directory")] = None,
        include: Annotated[str | None, Field(description="Only files like this: *.py, src/**/*.{ts,tsx}")] = None,
    ) -> CallToolResult:
        where = here(place, ctx)
        found = await _searching(lambda job: finding.grep(where, pattern, path or "", include or "", job))
        return answer(as_text(found), {"title": pattern, "matches": found.total, "shown": found.shown})

    tools = [
        tool(__package__, glob, READS, permission="glob", patterns=["pattern"], paths=["path"], truncated=True),
        tool(__package__, grep, READS, permission="grep", patterns=["pattern"], paths=["path"], truncated=True),
    ]
    return MCPServer("search", log_level="WARNING", tools=tools)


async def _searching(work: Callable[[Job], T]) -> T:
    """Search in a thread; when the call is cancelled, end the search too, but do not wait for it."""
    job = Job()
    try:
        return await to_thread.run_sync(work, job, abandon_on_cancel=True)
    finally:
        job.stop()
