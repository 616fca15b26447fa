"""What follows from a circle: the rules under `doom_loop` decide."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from mimocode.ports import Ruling, Verdict

from ..policy import approvals, policy
from ..rules import last_match, offer

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.session import Session

KEY = "doom_loop"


def rule(call: ToolCall, session: Session, period: int) -> Ruling | None:
    """Ask, or deny where nobody is asked; None when a rule or an approval lets circles be."""
    now = policy(session)
    verdict = now.decide(KEY, call.name).verdict
    if verdict is Verdict.ALLOW:
        return None
    if verdict is Verdict.ASK and last_match(approvals(session), KEY, call.name):
        return None
    text = (resources.files(__package__) / "refusal.md").read_text("utf-8").strip()
    shape = "" if period == 1 else f" of {period} calls"
    reason = text.format(tool=call.name, shape=shape)
    if verdict is Verdict.DENY or now.yolo:
        return Ruling(Verdict.DENY, reason)
    return Ruling(Verdict.ASK, reason, (offer(KEY, call.name),))
