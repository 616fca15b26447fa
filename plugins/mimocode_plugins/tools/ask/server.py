"""The session as an MCP server: question, change_directory, plan_exit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import BaseModel, Field

from ..place import show
from ..server import READS, answer, tool
from .asking import ask
from .moving import move
from .planning import leave

if TYPE_CHECKING:
    from mimocode.session import Session

_MOVES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


class Option(BaseModel):
    """A choice."""

    label: str
    description: str = ""


class Question(BaseModel):
    """A question."""

    question: str
    header: Annotated[str, Field(description="At most 30 characters")] = ""
    options: list[Option] = []
    multiple: bool = False


def build(session: Session) -> MCPServer:
    """The server of one session."""

    async def question(ctx: Context, questions: list[Question]) -> CallToolResult:
        meta: Any = ctx.request_context.meta or {}
        asked = [each.model_dump() | {"header": each.header[:30]} for each in questions]
        given = await ask(session, str(meta.get("mimocode/call", "")), asked)
        lines = [
            f'"{q["question"]}" = "{", ".join(texts) or "(no answer)"}"' for q, texts in zip(asked, given, strict=True)
        ]
        return answer("\n".join(lines), {"title": asked[0]["header"] or asked[0]["question"], "answers": given})

    async def change_directory(path: str | None = None) -> CallToolResult:
        directory = await move(session, path or "")
        return answer(f"Working in {show(directory)} now.", {"title": show(directory)})

    async def plan_exit(ctx: Context) -> CallToolResult:
        meta: Any = ctx.request_context.meta or {}
        said = await leave(session, str(meta.get("mimocode/call", "")))
        return answer(said, {"title": said.partition(".")[0]})

    return MCPServer(
        "ask",
        log_level="WARNING",
        tools=[
            tool(__package__, question, READS, permission="question", inward=True),
            tool(__package__, change_directory, _MOVES, permission="change_directory", paths=["path"], inward=True),
            tool(__package__, plan_exit, READS, permission="plan_exit", inward=True, deferred=True),
        ],
    )
