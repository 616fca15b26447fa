"""Search on the web as an MCP server: websearch, codesearch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from mimocode.errors import ToolFailed

from ..server import answer, tool
from .asking import MOST, MOST_SECONDS, SECONDS, Crawl, Kind, Wish, search
from .choosing import choose, choose_code

if TYPE_CHECKING:
    from mimocode.session import Session

_SEARCHES = ToolAnnotations(read_only_hint=True, open_world_hint=True)
_OTHERWISE = "If you know an address, webfetch reads it."


def build(session: Session | None) -> MCPServer:
    """The server of a session; without one it only lists."""

    async def websearch(
        query: str,
        num_results: Annotated[int | None, Field(description="Default 8, at most 20")] = None,
        livecrawl: Annotated[Crawl | None, Field(description="preferred: fresh pages, slower")] = None,
        type: Kind | None = None,
        context_max_characters: Annotated[int | None, Field(ge=1)] = None,
        timeout: Annotated[float | None, Field(description="Seconds, default 25, at most 120")] = None,
    ) -> CallToolResult:
        seconds = SECONDS if timeout is None else timeout
        if not query.strip():
            raise ToolFailed("query is empty.")
        if not 0 < seconds <= MOST_SECONDS:
            raise ToolFailed(f"timeout is in seconds, at most {MOST_SECONDS:g}.")
        count = max(1, min(8 if num_results is None else num_results, MOST))
        wish = Wish(query, count, livecrawl or "fallback", type or "auto", context_max_characters, seconds)
        assert session is not None
        try:
            service = await choose(session)
            text = await search(service, wish)
        except ToolFailed as failure:
            raise ToolFailed(f"{failure}\n{_OTHERWISE}") from None
        nothing = f"Nothing was found; try other words. {_OTHERWISE}"
        return answer(text or nothing, {"title": query, "service": service.provider})

    async def codesearch(
        query: Annotated[str, Field(description="Name the library, and what you want to do with it")],
        tokens_num: Annotated[int | None, Field(description="Length of the answer, 1000 to 50000")] = None,
    ) -> CallToolResult:
        from .exa import code

        if not query.strip():
            raise ToolFailed("query is empty.")
        assert session is not None
        text = await code(await choose_code(session), query, 5_000 if tokens_num is None else tokens_num)
        return answer(text or "Nothing was found; name the library, or try other words.", {"title": query})

    return MCPServer(
        "websearch",
        log_level="WARNING",
        tools=[
            tool(__package__, websearch, _SEARCHES, permission="websearch", patterns=["query"], deferred=True),
            tool(__package__, codesearch, _SEARCHES, permission="codesearch", patterns=["query"], deferred=True),
        ],
    )
