"""After a change: format the file, ask its language servers what they think of it; and the tool `lsp`.

Servers are those found on PATH or configured, started in the background when a file of theirs is read or changed,
in trusted folders only: a language server runs what a project tells it to. Nothing is ever downloaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting, ToolServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

    from mimocode.main import Commands
    from mimocode.messages import ToolCall
    from mimocode.ports import ToolResult
    from mimocode.session import Session

KINDS = "mimocode_plugins.tools.lsp.settings:"


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `confine_program`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `lsp` and `formatter`."""
    servers = "Language servers: true (those on PATH), false, or each by name."
    formatters = "Formatters to run after a change: true (those on PATH), false, or each by name."
    return [
        Setting("lsp", KINDS + "Servers", True, servers, needs_trust=True),
        Setting("formatter", KINDS + "Formatters", False, formatters, needs_trust=True),
    ]


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `lsp` where language servers may run."""
    if not session.host.trusted or session.host.settings["lsp"] is False:
        return []

    def open_() -> Any:
        from ..place import Place
        from .fleet import fleet_of
        from .server import build

        return build(Place(session.host.root, session.directory), fleet_of(session))

    return [ToolServer("lsp", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl
async def shape_result(result: ToolResult, call: ToolCall, session: Session) -> ToolResult | None:
    """After a change format and diagnose its files; after a read wake the servers, so that they are warm by then."""
    settings = session.host.settings
    if result.error or not session.host.trusted or not (settings["lsp"] or settings["formatter"]):
        return None
    spec = session.toolbox.specs.get(call.name)
    told = spec.meta.get("mimocode", {}) if spec else {}
    if told.get("permission") not in ("edit", "read"):
        return None
    from .changes import after

    return await after(result, call, told, session)


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Let go of the servers when the session ends; those that no session uses any more are ended."""
    yield
    from .fleet import FLEET

    if fleet := session.host.stash.get(FLEET):
        await fleet.leave(session)


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo lsp status`."""

    async def status(*given: Any) -> int:
        from .commands import status

        return await status(*given)

    commands.add("lsp status", "show the language servers and formatters of this project", status)
