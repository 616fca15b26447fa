"""Change much at once: several places of a file, several files, cells of a notebook; all of it or nothing."""

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
    """Offer `multiedit`, `apply_patch` and `notebook_edit`."""

    def open_() -> Any:
        from ..place import Place
        from ..text.ledger import ledger_of
        from .server import build

        return build(Place(session.host.root, session.directory), ledger_of(session))

    return [ToolServer("patch", open_, Path(__file__).with_name("catalogue.json"))]
