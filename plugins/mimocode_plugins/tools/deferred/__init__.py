"""Tools that wait until they are looked for: tool `tool_search`, so that many tools cost little of the window.

Tools marked `deferred`, and those of MCP servers past a budget, are not told to the model but named in `tool_search`.
What it finds joins at the end of the list, from the next request on, and stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import CallFinished
from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting, ToolServer

if TYPE_CHECKING:
    from mimocode.events import Fact
    from mimocode.ports import Prompt
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `tool_search`."""
    doc = "Which tools are only told to the model when it looks for them."
    return [Setting("tool_search", f"{__name__}.settings:ToolSearch", {}, doc)]


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `tool_search`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("deferred", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def shape_prompt(prompt: Prompt, session: Session) -> Prompt | None:
    """Leave out what waits, add what was found."""
    from .shelf import shelf

    return shelf(session).shaped(prompt)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """A tool that was called by its name alone, and failed, is told from then on."""
    if isinstance(fact, CallFinished) and fact.error:
        from .shelf import shelf

        await shelf(session).failed(fact.call_id)
