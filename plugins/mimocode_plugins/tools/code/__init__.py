"""Code mode: a small program calls many tools and gives back only what matters: tool `exec`.

The program can compute and nothing else: no files, no network, no other programs. Whatever it wants done it does with
the session's tools, and every such call is ruled on, logged and undone like one that the model makes itself. It stands
in the log as `Noted("nested", {"call": id, "of": id of the exec call, "name": tool, "arguments": {...}})`, before its
`CallStarted`.
"""

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
    """Offer `exec`."""

    def open_() -> Any:
        from .server import build

        return build(session)

    return [ToolServer("code", open_, Path(__file__).with_name("catalogue.json"))]
