"""Gates of a compose run: a phase is done, and a branch merged, only on evidence that the runtime made itself.

They hold for agents whose front matter has `gates`, a list of phases. A task whose summary begins with a phase and a
colon is finished through the tool `gate`, which runs the command and writes its exit code into the log.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.messages import Part
from mimocode.ports import Ruling, Setting, ToolServer

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session


RANK = 56


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `compose`."""
    return [Setting("compose", f"{__name__}.settings:Compose", {}, "Where the compose skills put their documents.")]


@hookimpl
async def contribute(session: Session) -> Iterable[Part]:
    """Where documents go, when it is not the usual place."""
    from .settings import told

    text = told(session)
    return [Part(text, RANK, "compose")] if text else []


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `gate`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("compose", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def rule_on_call(call: ToolCall, session: Session) -> Ruling | None:
    """Finishing a phase and merging need evidence, also for those who work for an agent with gates."""
    holder: Session | None = session
    while holder is not None and not holder.agent.options.get("gates"):
        holder = holder.parent
    if holder is None:
        return None
    from .guarding import ruling

    return await ruling(call, session)
