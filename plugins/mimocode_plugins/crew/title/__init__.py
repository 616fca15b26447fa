"""Gives a conversation a title, written by the small model in the background after the first message.

Only where the setting `small_model` or the group `lite` names one: nobody pays for a title with their large model.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.events import Fact, MessageAdded
from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.session import Session


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Nothing goes on after the session."""
    yield
    from .naming import give_up

    await give_up(session)


@hookimpl
async def on_event(fact: Fact, session: Session) -> None:
    """Begin with the first thing that the user says."""
    if isinstance(fact, MessageAdded) and session.parent is None and not session.state.title:
        from .naming import begin

        begin(fact.message, session)
