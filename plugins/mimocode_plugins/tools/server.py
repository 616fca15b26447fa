"""What our tool servers have in common: how a function becomes a tool, and how it answers and fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from importlib.resources import files
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, ContentBlock, TextContent, ToolAnnotations

from mimocode.errors import ToolFailed

from .place import Place, because, show

READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def tool(package: str, run: Callable[..., Awaitable[CallToolResult]], hints: ToolAnnotations, **told: Any) -> Tool:
    """Make `run` a tool, described by `<its name>.md` in `package`; `told` is what guards learn of it."""
    text = files(package).joinpath(f"{run.__name__}.md").read_text(encoding="utf-8").strip()
    meta = {"mimocode": told}
    made = Tool.from_function(_foreseen(run), description=text, annotations=hints, meta=meta, structured_output=False)
    return made.model_copy(update={"parameters": plain(made.parameters)})


def plain(schema: Any) -> Any:
    """A schema without what only costs tokens: titles, null as an alternative, null as a default."""
    if isinstance(schema, list):
        return [plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    noise = {key for key, value in schema.items() if key == "title" and isinstance(value, str)}
    kept = {key: value for key, value in schema.items() if key not in noise and (key, value) != ("default", None)}
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        kept = {**choices[0], **kept}
    return {key: plain(value) for key, value in kept.items()}


def answer(text: str, display: Mapping[str, Any], *media: ContentBlock) -> CallToolResult:
    """A result: `text` (and media) for the model, `display` for the screen."""
    return CallToolResult(content=[TextContent(text=text), *media], structured_content=dict(display))


def here(place: Place, ctx: Context) -> Place:
    """The place, seen from the working directory of the session that calls."""
    return place.during(ctx.request_context.meta)


def _foreseen(run: Callable[..., Awaitable[CallToolResult]]) -> Callable[..., Awaitable[CallToolResult]]:
    """Let the model read, in its own words, what went wrong in a way that was foreseen."""

    @wraps(run)
    async def foreseen(*args: Any, **arguments: Any) -> CallToolResult:
        try:
            return await run(*args, **arguments)
        except ToolFailed as failure:
            said = str(failure)
        except OSError as error:
            said = f"The system refused: {because(error)}{f' ({show(error.filename)})' if error.filename else ''}."
        return CallToolResult(content=[TextContent(text=said)], is_error=True)

    return foreseen
