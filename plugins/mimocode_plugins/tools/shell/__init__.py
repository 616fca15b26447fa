"""Run commands: with a time limit, live output, and nothing left behind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import ToolServer

if TYPE_CHECKING:
    from mimocode.session import Session


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `bash`."""

    def open_() -> Any:
        from ..place import Place
        from .server import build

        return build(Place(session.host.root, session.directory), session.host.paths.data / "tool-output")

    return [ToolServer("shell", open_, Path(__file__).with_name("catalogue.json"))]
