"""Search the web through the service that the user has: SearXNG, Brave, Exa or the MiMo platform."""

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
        'websearch: `provider` is "searxng" (with `url`), or "brave", "exa" or "xiaomi" with a key (BRAVE_API_KEY, '
        "EXA_API_KEY, XIAOMI_API_KEY)."
    )
    return [Setting("websearch", dict[str, str], {}, doc, needs_trust=True)]


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `websearch` and `codesearch`; without a service they say what the user can set."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("websearch", open_, Path(__file__).with_name("catalogue.json"))]
