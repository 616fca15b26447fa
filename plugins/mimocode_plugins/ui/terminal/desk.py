"""Approvals that wait for the user, the children's too, in the order in which they were asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mimocode.events import ApprovalAsked, ApprovalGiven, Approve, CallFinished, Entry, TurnEnded
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mimocode.session import Session

DESK: StashKey[Desk] = StashKey("ui.desk")
"""In `host.stash` while somebody sits at the terminal."""


@dataclass(frozen=True)
class Waiting:
    """A question and the session that waits for the answer."""

    asked: ApprovalAsked
    session: Session


@dataclass
class Desk:
    """Takes questions, hands them over one by one, carries the answers back."""

    changed: Callable[[], None]
    yolo: bool = False
    queue: list[Waiting] = field(default_factory=list)

    async def take(self, asked: ApprovalAsked, session: Session) -> None:
        """A guard asks. Under --yolo the answer is yes, unless what it destroys cannot be brought back."""
        if self.yolo and not asked.forced:
            await session.submit(Approve(asked.call.id, True))
            return
        self.queue.append(Waiting(asked, session))
        self.changed()

    def see(self, entry: Entry) -> None:
        """Drop questions that were answered elsewhere or whose turn is over."""
        match entry.event:
            case ApprovalGiven(call_id=call_id) | CallFinished(call_id=call_id):
                self._keep(lambda one: one.session.id != entry.session or one.asked.call.id != call_id)
            case TurnEnded():
                self._keep(lambda one: one.session.id != entry.session)

    @property
    def first(self) -> Waiting | None:
        """The question to show."""
        return self.queue[0] if self.queue else None

    def answer(self, allow: bool, message: str = "", remember: str = "") -> Awaitable[None]:
        """Answer the first question. It is off the desk at once: a second key does not answer it, nor the next one."""
        one = self.queue.pop(0)
        self.changed()
        return one.session.submit(Approve(one.asked.call.id, allow, message, remember))

    def _keep(self, wanted: Callable[[Waiting], bool]) -> None:
        before = len(self.queue)
        self.queue = [one for one in self.queue if wanted(one)]
        if len(self.queue) != before:
            self.changed()
