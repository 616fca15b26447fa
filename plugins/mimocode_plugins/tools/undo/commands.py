"""`/undo`, `/redo`, `/revert`: what the user sees and may choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mimocode.session import Session


async def undo(arguments: str, session: Session) -> None:
    """Take the last turn back."""
    from .asked import slash

    await slash("undo", arguments, session)


async def redo(arguments: str, session: Session) -> None:
    """Put back what was taken last."""
    from .asked import slash

    await slash("redo", arguments, session)


async def revert(arguments: str, session: Session) -> None:
    """Take back the message with this number and all after it."""
    from .asked import slash

    await slash("revert", arguments, session)
