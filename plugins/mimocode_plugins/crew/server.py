"""What the MCP servers of this family have in common."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from importlib.resources import files
from typing import Any, Protocol, TypeVar

from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations

from mimocode.errors import MimoError
from mimocode.session import Session

W = TypeVar("W", contravariant=True)
TEXT = {"type": "string"}
"""The schema of an argument that needs no explanation."""
LOOKS = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
"""For tools that change nothing themselves; what those do whom they set to work is ruled on call by call."""
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)


class Acting(Protocol[W]):
    """A module with the actions of a tool, each done for a wish: the arguments of the call."""

    @property
    def ACTIONS(self) -> Mapping[str, Callable[[Session, W], Coroutine[Any, Any, str]]]:
        """By name."""

    def display(self, session: Session, action: str, wish: W) -> dict[str, Any]:
        """For the screen."""


def answer(text: str, display: dict[str, Any] | None = None, *, error: bool = False) -> CallToolResult:
    """A text for the model, and what the screen shows of it."""
    return CallToolResult(content=[TextContent(text=text)], is_error=error, structured_content=display)


async def answered(
    session: Session | None,
    work: Callable[[Session], Coroutine[Any, Any, CallToolResult]],
    failed: dict[str, Any] | None = None,
) -> CallToolResult:
    """What comes of work in a session. What it foresees to go wrong is an answer, too; `failed` is shown of that."""
    if session is None:
        return answer("This needs a session.", error=True)
    try:
        return await work(session)
    except MimoError as error:
        return answer(str(error), failed, error=True)


async def acted(session: Session | None, acting: Acting[W], action: str, wish: W) -> CallToolResult:
    """Do one action."""

    async def work(session: Session) -> CallToolResult:
        if (do := acting.ACTIONS.get(action)) is None:
            return answer(f"action is one of {', '.join(acting.ACTIONS)}.", error=True)
        return answer(await do(session, wish), acting.display(session, action, wish))

    return await answered(session, work)


def tool(
    function: Callable[..., Any],
    package: str | None,
    hints: ToolAnnotations = LOOKS,
    schema: Mapping[str, Any] | None = None,
    **told: Any,
) -> Tool:
    """A tool, described by the text of its name beside the server.

    Args:
        schema: of its arguments, instead of the one that follows from the types.
        told: what it says of itself (README of the plugins).
    """
    name = function.__name__.rstrip("_")
    made = Tool.from_function(
        function,
        name=name,
        description=files(package or "").joinpath(f"{name}.md").read_text("utf-8").strip(),
        annotations=hints,
        structured_output=False,
        meta={"mimocode": told} if told else None,
    )
    return made.model_copy(update={"parameters": schema}) if schema else made
