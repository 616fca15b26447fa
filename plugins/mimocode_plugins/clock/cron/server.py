"""The schedule as an MCP server."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations

from mimocode.errors import MimoError
from mimocode.session import Session

from .desk import Desk, desk, details, line
from .jobs import made
from .slash import NOTHING, listed
from .times import AGAIN, Rule, next_round, once, parsed

Operation = Literal["schedule", "loop", "list", "get", "rename", "delete", "cancel"]


def build(session: Session | None) -> MCPServer:
    """The server of one session; without a session it can only list its tool."""
    server = MCPServer("cron", log_level="WARNING")

    async def cron(
        operation: Operation,
        cron: str = "",
        prompt: str = "",
        one_shot: bool = False,
        durable: bool = True,
        delay_seconds: float = AGAIN,
        reason: str = "",
        id: str = "",
        name: str = "",
    ) -> str:
        if session is None:
            raise ToolError("This needs a session.")
        post = await desk(session.host)
        if not post.wishes.enabled:
            raise ToolError("Schedules are switched off: the user set cron.enabled to false.")
        root = session.host.root
        try:
            match operation:
                case "schedule":
                    rule = (once if one_shot else parsed)(cron, post.clock.now(), post.zone)
                    return _kept(session, post, rule, Words(prompt, name, reason), durable)
                case "loop":
                    rule = next_round(delay_seconds, post.clock.now())
                    return _kept(session, post, rule, Words(prompt, name, reason), durable=False)
                case "list":
                    return await listed(session) or NOTHING
                case "get":
                    return details(post.book.find(id, root), post.zone)
                case "rename":
                    return line(post.book.rename(id, root, name), post.zone)
            return f"Removed {post.book.remove(id, root).id}."
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


@dataclass(frozen=True)
class Words:
    """What is said of a job."""

    prompt: str
    name: str
    reason: str


def _kept(session: Session, post: Desk, rule: Rule, words: Words, durable: bool) -> str:
    if session.parent is not None:
        raise ToolError("Only the main agent schedules; say in your answer what should happen when.")
    if not durable and session.host.options.get("headless"):
        raise ToolError("This session ends with your answer: use schedule, and leave durable true.")
    wishes = post.wishes
    own = "" if durable else session.id
    more = {"session": own, "catch_up": wishes.catch_up, "by": "agent", "name": words.name, "reason": words.reason}
    job = made(rule, words.prompt, session.host.root, post.clock.now(), days=wishes.expire_days, **more)
    post.book.add(job)
    post.changed.set()
    return f"Scheduled {line(job, post.zone)}"
