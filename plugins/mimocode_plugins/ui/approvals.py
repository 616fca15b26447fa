"""Approvals where nobody is there to ask: refused with a clear line, or allowed once under --yolo."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mimocode.events import ApprovalAsked, Approve
from mimocode.ports import StashKey

from .view import View

if TYPE_CHECKING:
    from mimocode.session import Session

UNATTENDED: StashKey[Unattended] = StashKey("ui.unattended")
"""In `host.stash` while a front end without a person runs sessions of the host."""


@dataclass
class Unattended:
    """Answers every approval of a host, children's too, and shows what it refused."""

    view: View
    yolo: bool

    async def answer(self, asked: ApprovalAsked, session: Session) -> None:
        """Give the answer of the absent user."""
        why = asked.reason or "it needs approval"
        if self.yolo and not asked.forced:
            await session.submit(Approve(asked.call.id, True))
            return
        self.view.refused(asked.call, why, self._advice(asked))
        told = f"{why.rstrip('.')}. Nobody is there to approve it; go on without it, or end by saying what you need."
        await session.submit(Approve(asked.call.id, False, told))

    def _advice(self, asked: ApprovalAsked) -> str:
        if asked.forced:
            return "This is never done without a person's word: do it yourself, or approve it in `mimo`."
        return f"Allow it with --yolo, or with a rule in mimocode.json{_rules(asked)}."


def _rules(asked: ApprovalAsked) -> str:
    """What "always" would allow, as it is written in the settings: offers are "key: pattern"."""
    pairs = [offer.partition(": ")[::2] for offer in asked.offer]
    rules: dict[str, dict[str, str]] = {}
    for key, pattern in pairs:
        rules.setdefault(key, {})[pattern or "*"] = "allow"
    return f": {json.dumps({'permission': rules}, ensure_ascii=False)}" if rules else ""
