"""Fetch a page of the web, and nothing that is not the web: not this machine, not its network."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting, ToolServer

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `fetch_public`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `webfetch`."""
    doc = "webfetch: `private` names hosts, as host or host:port, that may be fetched although they are not public."
    return [Setting("webfetch", dict[str, list[str]], {}, doc, needs_trust=True)]


@hookimpl
async def fetch_public(url: str, room: int, host: Host) -> bytes:
    """What lies there, for other plugins."""
    from .fetching import whole

    return await whole(url, room, host.settings["webfetch"].get("private", []))


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `webfetch`."""

    def open_() -> Any:
        from .server import build

        return build(session.host.settings["webfetch"].get("private", []))

    return [ToolServer("web", open_, Path(__file__).with_name("catalogue.json"))]
