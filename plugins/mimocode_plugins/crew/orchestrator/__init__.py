"""Leads several conversations at once: the agent `orchestrator` and its tool `session`, behind a switch.

Only with MIMOCODE_EXPERIMENTAL_ORCHESTRATOR=1. Each conversation is a subagent's session with a topic and a primary
agent: it can be gone on with, asked aside, put into another mode, or handed to the user.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import ApprovalAsked, Fact, TurnEnded
from mimocode.hookspecs import hookimpl
from mimocode.ports import Ruling, ToolServer, Verdict

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

FLAG = "MIMOCODE_EXPERIMENTAL_ORCHESTRATOR"
AGENT, TOOL = "orchestrator", "session"


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `session` to the conversation that the user holds."""
    from ..places import switched_on

    def open_() -> Any:
        from .server import build

        return build(session)

    if session.parent is not None or not switched_on(session.host, FLAG):
        return []
    return [ToolServer("orchestrator", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """Nobody else leads."""
    if call.name != TOOL or session.toolbox.provider(TOOL) != __name__ or session.agent.name == AGENT:
        return None
    return Ruling(Verdict.DENY, f"only the agent {AGENT} leads other sessions")


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Pass on what a session that is led asks for; go where the user is to be taken, when the turn is over."""
    if isinstance(fact, ApprovalAsked) and session.parent is not None:
        from .asking import passed_on

        await passed_on(fact, session)
    elif isinstance(fact, TurnEnded) and session.agent.name == AGENT:
        from .acting import leave

        await leave(session)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """No clock outlives the session."""
    yield
    if session.parent is not None:
        from .asking import stop

        stop(session)
