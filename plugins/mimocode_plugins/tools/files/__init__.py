"""Read, write and change files: atomically, and without touching a byte that was not meant."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.events import CallFinished, Noted
from mimocode.hookspecs import hookimpl
from mimocode.ports import StashKey, ToolServer

if TYPE_CHECKING:
    from mimocode.events import Fact
    from mimocode.session import Session


LEDGER: StashKey[Any] = StashKey("text.ledger")
"""The ledger of `..text.ledger`, which is not loaded before a tool needs it."""


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer `read`, `write` and `edit`."""

    def open_() -> Any:
        from ..place import Place
        from ..text.ledger import ledger_of
        from ..text.ruled import ruled
        from .server import build

        place = Place(session.host.root, session.directory, ruled=partial(ruled, session))
        return build(place, ledger_of(session))

    return [ToolServer("files", open_, Path(__file__).with_name("catalogue.json"))]


@hookimpl(trylast=True)  # after those that put a changed file in order
async def on_event(fact: Fact, session: Session) -> None:
    """Write down what was read and written, so that it need not be read again when the session goes on later."""
    if isinstance(fact, CallFinished) and (ledger := session.stash.get(LEDGER)) and (news := ledger.news()):
        await session.emit(Noted("files", {"seen": news}))
