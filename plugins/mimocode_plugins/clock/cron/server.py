"""The schedule as an MCP server."""

from __future__ import annotations

from importlib.resources import files
from typing import Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from mimocode.errors import MimoError
from mimocode.session import Session

from .desk import Desk, desk, line
from .jobs import made
from .slash import listed
from .times import parsed


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""
    server = MCPServer("cron", log_level="WARNING")

    async def cron(
        operation: Literal["schedule", "list", "delete"],
        when: str = "",
        prompt: str = "",
        id: str = "",
        session_only: bool = False,
    ) -> str:
        if session is None:
            raise ToolError("This needs a session.")
        post = await desk(session.host)
        if not post.wishes.enabled:
            raise ToolError("Schedules are switched off: the user set cron.enabled to false.")
        try:
            if operation == "schedule":
                return _schedule(session, post, when, prompt, session_only)
            if operation == "delete":
                return f"Removed {post.book.remove(id, session.host.root).id}."
            return await listed(session)
        except MimoError as error:
            raise ToolError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from None

    server.add_tool(
        cron,
        description=files(__package__).joinpath("cron.md").read_text("utf-8").strip(),
        annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False),
        meta={"mimocode": {"deferred": True, "permission": "cron", "patterns": ["operation"], "inward": True}},
        structured_output=False,
    )
    return server


def _schedule(session: Session, post: Desk, when: str, prompt: str, session_only: bool) -> str:
    if session.parent is not None:
        raise ToolError("Only the main agent schedules; say in your answer what should happen when.")
    now = post.clock.now()
    rule = parsed(when, now, post.zone)
    wishes = post.wishes
    own = session.id if session_only else ""
    more = {"session": own, "catch_up": wishes.catch_up, "by": "agent"}
    job = made(rule, prompt, session.host.root, now, days=wishes.expire_days, **more)
    post.book.add(job)
    post.changed.set()
    return f"Scheduled {line(job, post.zone)}"
