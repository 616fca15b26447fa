"""Search the web through the service that the user has: SearXNG, Brave or Exa; without one nothing is offered."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting, ToolServer

if TYPE_CHECKING:
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `websearch`."""
    doc = (
        'websearch: `provider` is "searxng" (with `url`), "brave" or "exa" (with a key or BRAVE_API_KEY, EXA_API_KEY).'
    )
    return [Setting("websearch", dict[str, str], {}, doc, needs_trust=True)]


@hookimpl
async def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `websearch`, if there is a service; say so if one is named that cannot be used."""
    from .choosing import choose

    chosen = await choose(session.host)
    if isinstance(chosen, str):
        await session.notice("websearch", chosen, "warning")
    if not chosen or isinstance(chosen, str):
        return []

    def open_() -> Any:
        from .server import build

        return build(chosen)

    return [ToolServer("websearch", open_, Path(__file__).with_name("catalogue.json"))]
