"""Find files by name and text in files, the newest first, without what git ignores."""

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
    """Offer `glob` and `grep`."""

    def open_() -> Any:
        from ..place import Place
        from .server import build

        return build(Place(session.host.root, session.directory))

    return [ToolServer("search", open_, Path(__file__).with_name("catalogue.json"))]
