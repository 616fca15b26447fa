"""/max: switch it, and look at what was proposed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mimocode.errors import UsageError
from mimocode.events import Noted

from .switch import PLUGIN, counted, wish

if TYPE_CHECKING:
    from mimocode.session import Session


async def command(arguments: str, session: Session) -> None:
    """/max [on | off | NUMBER | show].

    Raises:
        UsageError: it is none of these.
    """
    word = arguments.strip().lower()
    if word == "show":
        await session.notice(PLUGIN, last_step(session))
    elif word in ("on", "off") or word.isdecimal():
        number = counted(int(word)) if word.isdecimal() else 0
        on = word != "off"
        line = f"max {number or ''}".strip() if on else ""
        await session.emit(Noted(PLUGIN, {"op": "switch", "on": on, "candidates": number, "status_line": line}))
        await session.notice(PLUGIN, status(session))
    elif word:
        raise UsageError(f"/max {word}: say on, off, a number of candidates, or show")
    else:
        await session.notice(PLUGIN, status(session))


def status(session: Session) -> str:
    """Whether it is on, for people."""
    wanted = wish(session)
    if wanted is None:
        return "Max Mode is off. /max on proposes every step several times and carries out the best."
    when = {"always": "every step", "on_failure": "a step after a failure", "on_plan": "the first step of a turn"}
    cap = f", for at most ${wanted.cost_cap:g} more than usual" if wanted.cost_cap else ""
    return f"Max Mode is on: {wanted.candidates} candidates for {when[wanted.when]}{cap}. /max off ends it."


def last_step(session: Session) -> str:
    """The proposals of the last step, for people."""
    notes = [note for note in session.state.notes.get(PLUGIN, ()) if note.get("op") == "step"]
    if not notes:
        return "Nothing was proposed in Max Mode yet."
    step = notes[-1]
    lines = [f"chosen by {step['by']}: {step['reason']}"]
    return "\n".join(lines + [_line(each, each["number"] == step["chosen"]) for each in step["candidates"]])


def _line(each: dict[str, Any], chosen: bool) -> str:
    mark = "→" if chosen else " "
    if "error" in each:
        return f"{mark} {each['number'] + 1}  failed: {each['error']}"
    calls = "; ".join(f"{call['name']} {json.dumps(call['arguments'], ensure_ascii=False)}" for call in each["calls"])
    return f"{mark} {each['number'] + 1}  {calls or each['text']}"[:300]
