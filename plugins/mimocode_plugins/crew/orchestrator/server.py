"""Sessions that are led, as an MCP server: session."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from mimocode.errors import MimoError
from mimocode.session import Session

from . import acting

_TEXT = {"type": "string"}
SCHEMA = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": list(acting.ACTIONS)},
        "id": _TEXT,
        "topic": {"type": "string", "description": "3 to 5 words"},
        "prompt": {"type": "string", "description": "the task, the message, the question"},
        "agent": {"type": "string", "description": "build (default), plan, compose or a custom one"},
        "model": _TEXT,
        "worktree": {"type": "boolean", "description": "edit in a git worktree of its own"},
        "allow": {"type": "boolean", "description": "for approve; default true"},
        "timeout": {"type": "number", "description": "seconds for join and ask, default 600"},
    },
    "required": ["action"],
}


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def session_(
        action: str,
        id: str = "",
        topic: str = "",
        prompt: str = "",
        agent: str = "",
        model: str = "",
        worktree: bool = False,
        allow: bool = True,
        timeout: float = acting.PATIENCE,
    ) -> CallToolResult:
        if session is None:
            return _answer("This needs a session.", error=True)
        wish = acting.Wish(id, topic, prompt, agent, model, worktree, allow, timeout)
        do = acting.ACTIONS.get(action)
        try:
            if do is None:
                return _answer(f"action is one of {', '.join(acting.ACTIONS)}.", error=True)
            return _answer(await do(session, wish), display=acting.display(session, action, wish))
        except MimoError as error:
            return _answer(str(error), error=True)

    description = files(__package__).joinpath("session.md").read_text("utf-8").strip()
    # read-only: it changes nothing itself; what the sessions do is ruled on call by call
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
    meta = {"mimocode": {"permission": "session", "patterns": ["action"], "inward": True, "deferred": True}}
    made = Tool.from_function(
        session_, name="session", description=description, annotations=hints, structured_output=False, meta=meta
    )
    tool = made.model_copy(update={"parameters": SCHEMA})
    return MCPServer("orchestrator", log_level="WARNING", tools=[tool])


def _answer(text: str, *, error: bool = False, display: dict[str, Any] | None = None) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=error, structured_content=display)
