"""Help a model over bad answers: cut off, empty, only thought, tool calls written as text, the same words again.

Each has a small bound, and the agent is sent back with words that fit (runtime.md 1.5 to 1.7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.ports import Model
    from mimocode.session import Session


@hookimpl(tryfirst=True)  # an answer that is no answer must be mended before anybody judges it
async def before_stop(session: Session) -> str | None:
    """Send the agent back when its last answer cannot stand."""
    from .remedy import remedy

    return await remedy(session)


@hookimpl
async def wrap_model(model: Model, session: Session) -> Model:
    """Listen for an answer that repeats itself."""
    from .listening import Listening

    return Listening(model, session.host.environ)
