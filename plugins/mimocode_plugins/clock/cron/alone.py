"""Answers approvals in sessions that a schedule runs with nobody there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.events import ApprovalAsked, Approve

if TYPE_CHECKING:
    from mimocode.session import Session

TOLD = "Nobody is there to approve it; go on without it, or end by saying what you need."


async def refuse(asked: ApprovalAsked, session: Session) -> None:
    """Say no, and why."""
    reason = f"{asked.reason.rstrip('.')}. " if asked.reason else ""
    await session.submit(Approve(asked.call.id, False, reason + TOLD))
