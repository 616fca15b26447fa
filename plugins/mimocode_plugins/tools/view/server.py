"""Pictures as an MCP server: view_image."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from anyio import to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, ImageContent
from pydantic import Field

from mimocode.errors import ToolFailed

from ..place import Place
from ..server import READS, answer, here, tool
from .looking import look

Media = Callable[[], Awaitable[tuple[str, ...] | None]]


async def _anything() -> None:
    return None


def build(place: Place, media: Media = _anything) -> MCPServer:
    """The server of one session; `media` tells what its model reads besides text, None if that is not known."""

    async def view_image(
        ctx: Context,
        path: str,
        detail: Annotated[Literal["low", "high"] | None, Field(description="A hint for the model's provider")] = None,
    ) -> CallToolResult:
        reads = await media()
        if reads is not None and "image" not in reads:
            raise ToolFailed("The model of this session does not see images; describe what you need to the user.")
        seen = here(place, ctx)
        image = await to_thread.run_sync(look, seen, path)
        pixels = f", {image.width} x {image.height} pixels" if image.width else ""
        text = f"{seen.short(image.path)}: {len(image.data)} bytes of {image.mime}{pixels}, attached."
        meta = {"detail": detail} if detail else None
        shown = ImageContent(data=base64.b64encode(image.data).decode(), mime_type=image.mime, _meta=meta)
        return answer(text, {"title": seen.short(image.path)}, shown)

    return MCPServer(
        "view",
        log_level="WARNING",
        tools=[tool(__package__, view_image, READS, permission="read", paths=["path"], deferred=True)],
    )
