"""Change much at once: several places of a file, several files, cells of a notebook; all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
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
        from ..text.ruled import ruled
        from .server import build

        place = Place(session.host.root, session.directory, ruled=partial(ruled, session))
        return build(place, ledger_of(session))

    return [ToolServer("patch", open_, Path(__file__).with_name("catalogue.json"))]
