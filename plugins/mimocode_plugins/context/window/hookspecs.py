# mypy: disable-error-code="empty-body"
"""The hooks that a context window brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.messages import Part
    from mimocode.session import Session


@hookspec()
async def recall(session: Session, room: int) -> Iterable[Part]:
    """Say what a new window must know of what came before it; lower ranks come first and stay longer.

    `room` is how many tokens there are for all of it. It is asked between two steps: answer from what is at hand.
    A part without text says by its `source` why there is nothing, for example "checkpoint-off".
    """


@hookspec()
async def context_grew(session: Session, used: int, usable: int) -> None:
    """A request is about to leave with `used` of the `usable` tokens. Start what is due, wait for nothing."""
