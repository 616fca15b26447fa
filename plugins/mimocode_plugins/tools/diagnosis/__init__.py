"""After a command that failed: where the errors are, first in its result.

Compiler errors, failed tests and stack traces are read out of the output and told as `file:line: message`, those in
files of the project first. What the command printed follows unchanged.
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
    """Put the problems that a failed command reports before its output."""
    spec = session.toolbox.specs.get(call.name)
    told = spec.meta.get("mimocode", {}) if spec else {}
    if not told.get("command") or not (result.display or {}).get("exit"):
        return None
    from .telling import tell

    return await tell(result, session)
