"""The files as an MCP server: read, write, edit."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ToolAnnotations,
)
from pydantic import Field

from ..place import Place
from ..server import READS, answer, here, tool
from ..text import editing
from ..text.difference import difference
from ..text.ledger import Ledger
from . import reading

_REPLACES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
_EDITS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)


def build(place: Place, ledger: Ledger | None = None) -> MCPServer:
    """The server of one session; the `ledger` is shared by all its servers that touch files."""
    ledger = ledger or Ledger({})

    async def read(
        ctx: Context,
        file_path: str,
        offset: Annotated[int | None, Field(description="First line, from 1")] = None,
        limit: Annotated[int | None, Field(description="Lines; default and maximum 2000")] = None,
    ) -> CallToolResult:
        seen = here(place, ctx)

        def work() -> reading.Shown:
            return reading.read(seen, file_path, offset or 0, reading.LINES if limit is None else limit, ledger)

        shown = await to_thread.run_sync(work, abandon_on_cancel=True)
        return answer(shown.text, {"title": seen.short(shown.path)}, *_attached(shown))

    async def write(ctx: Context, file_path: str, content: str) -> CallToolResult:
        seen = here(place, ctx)
        change = await to_thread.run_sync(editing.write, seen, file_path, content, ledger)
        return await _changed(seen, change, " ".join(filter(None, ["Wrote file successfully.", change.note])))

    async def edit(
        ctx: Context,
        file_path: str,
        old_string: Annotated[str, Field(description="Exact text; empty creates the file")],
        new_string: str,
        replace_all: bool | None = None,
    ) -> CallToolResult:
        seen = here(place, ctx)
        change = await to_thread.run_sync(
            editing.edit, seen, file_path, old_string, new_string, bool(replace_all), ledger
        )
        where = "Created the file." if change.created else f"Replaced {change.places} place{'s' * (change.places > 1)}."
        return await _changed(seen, change, where, shown=bool(change.note))

    told: dict[str, Any] = {"permission": "edit", "paths": ["file_path"]}
    return MCPServer(
        "files",
        log_level="WARNING",
        tools=[
            tool(__package__, read, READS, permission="read", paths=["file_path"], truncated=True),
            tool(__package__, write, _REPLACES, **told),
            tool(__package__, edit, _EDITS, **told),
        ],
    )


def _attached(shown: reading.Shown) -> list[ContentBlock]:
    if not shown.data:
        return []
    if shown.mime.startswith("image/"):
        return [ImageContent(data=shown.data, mime_type=shown.mime)]
    document = BlobResourceContents(uri=shown.path.as_uri(), mime_type=shown.mime, blob=shown.data)
    return [EmbeddedResource(resource=document)]


async def _changed(place: Place, change: editing.Change, text: str, shown: bool = False) -> CallToolResult:
    title = place.short(change.path)
    diff = await to_thread.run_sync(difference, change.before, change.after, title)
    if shown:
        text += f" old_string was not exact: {change.note}. This is what changed; check it:\n{diff.text}"
    display = {"title": title, "diff": diff.text, "additions": diff.additions, "deletions": diff.deletions}
    return answer(text, display | ({"created": True} if change.created else {}))
