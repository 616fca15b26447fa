"""Subagents as an MCP server: actor."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
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
        "subagent_type": {
            "type": "string",
            "description": "explore, general (default), coder, tester, reviewer, verifier or a custom one",
        },
        "description": {"type": "string", "description": "3 to 5 words"},
        "prompt": {"type": "string", "description": "the task, or the message to send"},
        "context": {"type": "string", "enum": ["none", "state", "full"]},
        "model": _TEXT,
        "output_schema": {"type": "object", "description": "JSON Schema of the result"},
        "worktree": {"type": "boolean", "description": "edit in a git worktree of its own"},
        "task_id": _TEXT,
        "actor_id": _TEXT,
        "timeout": {"type": "number", "description": "seconds to wait, default 600"},
    },
    "required": ["action"],
}


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""

    async def actor(
        action: str,
        subagent_type: str = "",
        description: str = "",
        prompt: str = "",
        context: str = "",
        model: str = "",
        output_schema: Any = None,
        worktree: bool = False,
        task_id: str = "",
        actor_id: str = "",
        timeout: float = acting.PATIENCE,
    ) -> CallToolResult:
        if session is None:
            return _answer("This needs a session.", error=True)
        wish = acting.Wish(
            subagent_type, description, prompt, context, model, output_schema, worktree, task_id, actor_id, timeout
        )
        do: Callable[[Session, acting.Wish], Coroutine[Any, Any, str]] | None = acting.ACTIONS.get(action)
        try:
            if do is None:
                return _answer(f"action is one of {', '.join(acting.ACTIONS)}.", error=True)
            return _answer(await do(session, wish), display=acting.display(session, action, wish))
        except MimoError as error:
            return _answer(str(error), error=True)

    description = files(__package__).joinpath("actor.md").read_text("utf-8").strip()
    # read-only: it changes nothing itself, so that several run side by side; what children do is ruled on call by call
    hints = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
    meta = {"mimocode": {"permission": "actor", "patterns": ["subagent_type"], "inward": True}}
    made = Tool.from_function(actor, description=description, annotations=hints, structured_output=False, meta=meta)
    tool = made.model_copy(update={"parameters": SCHEMA})
    return MCPServer("actors", log_level="WARNING", tools=[tool])


def _answer(text: str, *, error: bool = False, display: dict[str, Any] | None = None) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=error, structured_content=display)
