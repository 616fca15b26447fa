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
    """Offer `bash` and `jobs`."""

    def open_() -> Any:
        from ..place import Place
        from .server import build

        def hand_over() -> Any:
            return None if session.parent else session.host.options.get("hand_over")

        place = Place(session.host.root, session.directory)
        return build(place, session.host.paths.data / "tool-output", hand_over)

    return [ToolServer("shell", open_, Path(__file__).with_name("catalogue.json"))]
