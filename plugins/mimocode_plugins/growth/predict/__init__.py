"""Guesses what the user says next, for a front end that shows it greyed in an empty prompt; off unless asked for.

`experimental.predict_next_prompt` switches it on. The small model is asked once after a turn, and no longer once the
user types: a front end that shows suggestions says so with `host.options["typing"]`, which returns when that happens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.events import Fact, TurnEnded, TurnStarted
from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.session import Session


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Nothing goes on after the session."""
    yield
    if _wanted(session):
        from .guessing import give_up

        await give_up(session)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Begin when a turn is over, stop when the next one begins."""
    if isinstance(fact, TurnEnded | TurnStarted) and _wanted(session):
        from .guessing import begin, give_up

        await give_up(session)
        if isinstance(fact, TurnEnded) and fact.reason == "done":
            begin(session)


def _wanted(session: Session) -> bool:
    host = session.host
    if session.parent is not None or "typing" not in host.options or "experimental" not in host.settings:
        return False
    said = host.settings["experimental"]
    on = said.get("predict_next_prompt") if isinstance(said, Mapping) else getattr(said, "predict_next_prompt", False)
    return bool(on)
