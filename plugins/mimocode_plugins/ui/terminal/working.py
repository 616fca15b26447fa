"""`/tasks`: the tree of tasks and subagents, alive until it is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..shown.look import Look
from .hookspecs import show_work
from .items import Drawn, duration
from .live import fit
from .slash_session import held, literal

if TYPE_CHECKING:
    from .chat import Chat

Row = tuple[int, str, str, float]
BEAT = 1.0
"""Seconds between two looks."""
SIGNS = {"done": "✓", "open": "○", "queued": "○", "in_progress": "◐", "running": "◐", "partial": "◑"}
STOPPED = ("failed", "cancelled", "abandoned")
MOVING = ("in_progress", "running", "asking", "stalled", "looping", "queued")
STYLES = {"✓": "green", "✗": "red", "!": "yellow", "◐": "cyan"}


class Working:
    """The tree as something that takes the keys: arrows scroll, Esc leaves."""

    def __init__(self, rows: Sequence[Row], leave: Callable[[], None]) -> None:
        self.rows, self._leave, self._top = rows, leave, 0

    def key(self, name: str, data: str) -> None:
        """What a key does."""
        match name:
            case "escape" | "c-c" | "c-m":
                self._leave()
            case "up" | "c-p":
                self._top = max(0, self._top - 1)
            case "down" | "c-n":
                self._top += 1

    def lines(self, look: Look, rows: int) -> list[str]:
        """As much of it as there is room for."""
        room = max(1, rows - 2)
        self._top = max(0, min(self._top, len(self.rows) - room))
        shown = self.rows[self._top : self._top + room]
        more = len(self.rows) - self._top - len(shown)
        keys = "esc leaves" + (f" · {more} more below" if more > 0 else "")
        lines = [described(row, look, time.time()) for row in shown]
        return [
            *look.lines(look.say(summed(self.rows)), style="bold"),
            *lines,
            *look.lines(keys, first="  ", style="dim"),
        ]


def described(row: Row, look: Look, now: float) -> str:
    """One line: how it stands, what it is, for what moves how long ago it gave a sign of life."""
    depth, state, text, beat = row
    sign = "✗" if state in STOPPED else SIGNS.get(state, "!")
    ago = f" · {duration(max(0.0, now - beat))} ago" if beat and state in MOVING else ""
    about = "" if state in ("done", "open") else f" · {state.replace('_', ' ')}"
    return look.paint(fit_after("  " * (depth + 1) + f"{sign} ", text + about + ago, look.width), STYLES.get(sign, ""))


def fit_after(before: str, text: str, width: int) -> str:
    """Text behind what is not to be touched, on one line."""
    return before + fit(text, max(4, width - len(before)))


def summed(rows: Sequence[Row]) -> str:
    """How much of it moves."""
    moving = sum(state in MOVING for _, state, _, _ in rows)
    return f"Tasks and subagents: {moving} of {len(rows)} under way"


async def tasks(chat: Chat, rest: str) -> None:
    """Show the tree of this session's tasks and subagents until the user leaves it."""
    face, session = chat.face, held(chat)

    async def look() -> list[Row]:
        return [row for offer in await chat.host.hooks.collect(show_work, session=session) for row in offer]

    rows = await look()
    if not rows:
        face.tell("There are no tasks and no subagents in this session yet.")
        return
    if face.screen.linear:
        face.show(Drawn("\n".join([summed(rows), *(f"- {state}: {literal(text)}" for _, state, text, _ in rows)])))
        return

    def leave() -> None:
        face.view = None
        face.changed()

    face.view = view = Working(rows, leave)
    face.changed()
    while face.view is view:
        await asyncio.sleep(BEAT)
        view.rows = await look()
        face.changed()
