"""Keep results of tools short enough for the model, and the whole of them on disk.

Tools that cut their own output say so with a key `truncated` in their structured content and are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.ports import ToolResult
    from mimocode.session import Session


@hookimpl
async def shape_result(result: ToolResult, call: ToolCall, session: Session) -> ToolResult | None:
    """Cut a result of more than 2000 lines or 50 KiB."""
    if len(result.text) < 2000:  # neither 2000 lines nor 50 KiB: spare the import
        return None
    from .shape import shape

    return await shape(result, call, session)
