"""Read, write and change files: atomically, and without touching a byte that was not meant."""

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
    """Offer `read`, `write` and `edit`."""

    def open_() -> Any:
        from ..place import Place
        from ..text.ledger import ledger_of
        from .server import build

        return build(Place(session.host.root, session.directory), ledger_of(session))

    return [ToolServer("files", open_, Path(__file__).with_name("catalogue.json"))]
