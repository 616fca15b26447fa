"""Code mode as an MCP server: exec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from mimocode.errors import ToolFailed

from ..server import answer, tool
from .running import CALLS, MOST_CALLS, MOST_MILLISECONDS, Program

if TYPE_CHECKING:
    from mimocode.session import Session

_SCREEN = 30_000
"""Characters of output that the screen is given."""
_RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)


def build(session: Session | None) -> MCPServer:
    """The server of a session; without one it only lists."""

    async def exec(
        ctx: Context,
        code: str,
        max_tool_calls: Annotated[int | None, Field(description=f"Default {CALLS}, at most {MOST_CALLS}")] = None,
        timeout_ms: Annotated[int | None, Field(description="Default 60000, at most 600000")] = None,
    ) -> CallToolResult:
        most = CALLS if max_tool_calls is None else max_tool_calls
        limit = 60_000 if timeout_ms is None else timeout_ms
        if not 0 <= most <= MOST_CALLS:
            raise ToolFailed(f"max_tool_calls is at most {MOST_CALLS}.")
        if not 0 < limit <= MOST_MILLISECONDS:
            raise ToolFailed(f"timeout_ms is in milliseconds, at most {MOST_MILLISECONDS}.")
        meta: Any = ctx.request_context.meta or {}
        assert session is not None
        program = Program(session, str(meta.get("mimocode/call", "")), most)
        text, failed = await program.run(code, limit / 1000, lambda n, t: ctx.report_progress(n, None, t))
        display = {"title": code.strip().partition("\n")[0][:80], "calls": program.count, "output": text[-_SCREEN:]}
        result = answer(text, display)
        return result.model_copy(update={"is_error": True}) if failed else result

    return MCPServer(
        "code",
        log_level="WARNING",
        tools=[tool(__package__, exec, _RUNS, permission="exec", deferred=True, inward=True)],
    )
