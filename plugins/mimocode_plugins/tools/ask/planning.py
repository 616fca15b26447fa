"""The end of planning: the user agrees, and another agent carries the plan out in its own turn (surface.md 6.2)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mimocode.errors import ToolFailed
from mimocode.events import ChooseAgent, Noted, Say, TurnEnded

from ..place import show
from .asking import ask

if TYPE_CHECKING:
    from mimocode.session import Session

PLANS, DOES = "plan", "build"
"""The agent that plans, and the one that carries out."""
NOTES = "plan_exit"
_NOBODY = "Nobody is there to agree to the plan. Say that it is ready and where it is, and stop."
_YES, _NO = "Yes", "No"
_WRITTEN = re.compile(r"[^\s\"'\\:]*plans/[^\s\"'\\/]+\.md")


async def leave(session: Session, call: str) -> str:
    """Ask whether to carry the plan out; what the user said, in words for the agent.

    Raises:
        ToolFailed: another agent than plan asks, there is no plan, nobody is there, or the user does not answer.
    """
    if session.agent.name != PLANS or session.parent is not None:
        raise ToolFailed(f"Only the agent {PLANS} leaves planning, and this is {session.agent.name}.")
    if (plan := find(session)) is None:
        raise ToolFailed("There is no plan yet: write it to .mimocode/plans/NAME.md first.")
    options = [
        {"label": _YES, "description": f"the agent {DOES} carries it out"},
        {"label": _NO, "description": "go on planning"},
    ]
    question = f"The plan {show(plan)} is ready. Carry it out?"
    asked = {"question": question, "header": "Plan", "options": options, "multiple": False}
    [said] = await ask(session, call, [asked], _NOBODY)
    words = ", ".join(said).strip()
    if words.lower() != _YES.lower():
        own = words if words and words.lower() != _NO.lower() else "No."
        return f"The user answered: {own}\nGo on planning with that."
    await session.emit(Noted(NOTES, {"plan": str(plan), "turn": _turn(session)}))
    return f"The user agreed. The agent {DOES} carries the plan out when you stop: stop now, with one sentence."


async def hand_over(session: Session, ended: TurnEnded) -> None:
    """After the turn in which the user agreed: another agent, and the word to begin. Not if the turn was cut short."""
    agreed = session.state.notes.get(NOTES, ())
    if not agreed or agreed[-1]["turn"] != _turn(session) or ended.reason != "done" or session.agent.name != PLANS:
        return
    plan = show(str(agreed[-1]["plan"]))
    await session.submit(ChooseAgent(DOES))
    await session.submit(Say(f"The plan {plan} is agreed to. Carry it out.", origin=NOTES))


def find(session: Session) -> Path | None:
    """The plan that this conversation wrote last; else the newest of the project."""
    for message in reversed(tuple(session.state.messages)):
        for call in message.calls:
            for text in _WRITTEN.findall(msgspec.json.encode(call.arguments).decode()):
                path = session.directory / Path(text)
                if path.is_file() and path.parent in _places(session):
                    return path
    found = (path for place in _places(session) if place.is_dir() for path in place.glob("*.md"))
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _places(session: Session) -> tuple[Path, Path]:
    return session.host.root / ".mimocode/plans", session.host.paths.data / "plans"


def _turn(session: Session) -> int:
    """The turn that runs, by the number of its first fact."""
    return session.state.turns[-1][0] if session.state.turns else 0
