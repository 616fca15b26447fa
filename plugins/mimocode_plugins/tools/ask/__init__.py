"""What an agent asks of the session it works in: a question, another directory, an end of planning.

How a front end answers questions (any front end, over any wire; nothing of this plugin is imported):

1. It sets `host.options["questions"] = True`, which says that somebody is there to answer.
2. When `Noted(plugin="question", data={"call": id, "questions": [...]})` comes by, it shows them. Each question has
   `question`, `header`, `options` (each `label` and `description`) and `multiple`; the user may always write instead.
3. It submits `Approve(id, True, message)` to that session, where `message` is a JSON list with one list of texts per
   question (chosen labels or own words), or plain text for a single question; or `Approve(id, False, message)` when
   the user does not want to answer. The answer is in the log as `ApprovalGiven`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import Rewound, TurnEnded
from mimocode.hookspecs import hookimpl
from mimocode.ports import ToolServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mimocode.events import Fact
    from mimocode.session import Session


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `question`, `change_directory` and `plan_exit`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("ask", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Work where the session, or the one that started it, worked last."""
    from .moving import settle

    settle(session)
    yield


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Taking back what was said takes back where it led; a plan that was agreed to is carried out after its turn."""
    if isinstance(fact, Rewound):
        from .moving import settle

        settle(session)
    if isinstance(fact, TurnEnded):
        from .planning import hand_over

        await hand_over(session, fact)
