"""The web as an MCP server: webfetch."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated

from anyio import to_thread
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ImageContent, ToolAnnotations
from pydantic import Field

from mimocode.errors import ToolFailed

from ..server import answer, tool
from . import fetching

_FETCHES = ToolAnnotations(read_only_hint=True, open_world_hint=True)
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def build(private: Sequence[str] = ()) -> MCPServer:
    """The server; `private` names hosts that may be fetched although they are not public."""

    async def webfetch(
        url: str,
        format: fetching.Format | None = None,
        timeout: Annotated[float | None, Field(description="Seconds, at most 120")] = None,
    ) -> CallToolResult:
        form = format or "markdown"
        page = await fetching.fetch(url, form, timeout, private)
        display = {"title": url, "status": page.status, "bytes": len(page.data)}
        if page.moved:
            return answer(f"{url} redirects to another host: {page.moved}\nFetch that address if you need it.", display)
        from . import reading

        if page.kind in _IMAGES and page.status < 400 and not page.cut:
            image = ImageContent(data=base64.b64encode(page.data).decode(), mime_type=page.kind)
            return answer(f"{page.url}: {len(page.data)} bytes of {page.kind}, attached.", display, image)
        if not reading.is_html(page) and not reading.is_text(page):
            raise ToolFailed(f"{page.url} is {page.kind or 'binary'}, {len(page.data)} bytes, which cannot be shown.")
        text = await to_thread.run_sync(reading.readable, page, form, abandon_on_cancel=True)
        if page.status >= 400:
            raise ToolFailed(f"{page.url} answered with HTTP {page.status}.\n{text[:2000]}")
        end = f"\n\n(Cut at {fetching.LARGEST // 1_000_000} MB.)" if page.cut else ""
        return answer((text or "(The page has no text.)") + end, display)

    return MCPServer(
        "web",
        log_level="WARNING",
        tools=[tool(__package__, webfetch, _FETCHES, permission="webfetch", patterns=["url"], deferred=True)],
    )
