"""Hold the agent to its goal: set it, judge it whenever the agent wants to stop, and never approve in silence."""

from __future__ import annotations

import asyncio
from importlib.resources import files
from typing import TYPE_CHECKING

from mimocode.errors import MimoError
from mimocode.events import Noted
from mimocode.messages import Usage
from mimocode.ports import StashKey
from mimocode.turn import Limited

from .goals import PLUGIN, Goal, Verdict, Wanted, after, decide, goal, parsed
from .judge import judged, noted

if TYPE_CHECKING:
    from mimocode.session import Session

PENDING: StashKey[str] = StashKey("goal.pending")
"""What the user asked for; it becomes a fact with the message that says it, so that taking that back takes it back."""
WISHED: StashKey[bool] = StashKey("goal.wished")
WHOLE = 540.0
"""Seconds for one verdict with all its commands. The hook gives 600; whoever overruns that is not asked again."""


def current(session: Session) -> Goal | None:
    """The session's latest goal."""
    return goal(session.state.notes.get(PLUGIN, ()))


async def heard(session: Session) -> None:
    """The user said something: what was asked for beside it holds from here on."""
    text = session.stash.pop(PENDING, "")
    if not text and WISHED not in session.stash:
        session.stash[WISHED] = True
        text = str(session.host.options.get("goal") or "")
        held = current(session)
        if held is not None and held.active and parsed(text) == (held.condition, held.checks):
            return
    if text:
        await set_goal(session, text, "user")


async def set_goal(session: Session, text: str, by: str) -> Goal:
    """Hold the agent to this from now on; it replaces an older goal."""
    condition, checks = parsed(text)
    before = current(session)
    since = session.state.turns[-1][0] if session.state.turns else 0
    made = Goal(before.id + 1 if before else 1, condition, checks, since, by)
    data = {"op": "set", "id": made.id, "condition": condition, "checks": list(checks), "since": made.since, "by": by}
    await session.emit(Noted(PLUGIN, data | {"status_line": f"goal: {condition}"}))
    return made


async def clear(session: Session) -> bool:
    """Let go of the goal; False if there was none."""
    held = current(session)
    if held is None or not held.active:
        return False
    await session.emit(Noted(PLUGIN, {"op": "clear", "id": held.id, "status_line": ""}))
    return True


async def gate(session: Session) -> str | None:
    """Judge the goal, if there is one; what to tell the agent when it must go on.

    Raises:
        Limited: the goal is not met and the agent stops all the same.
    """
    held = current(session)
    if held is None or not held.active or session.parent is not None:
        return None
    wanted = Wanted(**session.host.settings["goal"])
    checks = "; ".join(f"`{check}`" for check in held.checks)
    await session.notice(PLUGIN, f"is it met? {checks} decides" if checks else "is it met? The judge decides")
    verdict, usage = await _verdict(session, held, wanted)
    now = current(session)
    if now is None or now.id != held.id or not now.active:
        return None  # it was replaced or cleared meanwhile: this verdict is about nothing
    outcome = decide(held, verdict, wanted.rounds)
    left = after(held, verdict, outcome, 0)
    line = f"goal{f' ({left.attempts})' if left.attempts else ''}: {left.condition}" if left.active else ""
    await session.emit(Noted(PLUGIN, noted(held, verdict, outcome, usage) | {"status_line": line}, usage))
    if outcome == "met":
        await session.notice(PLUGIN, f"met: {verdict.reason}")
        return None
    if outcome == "send_back":
        text = files(__package__).joinpath("unmet.md").read_text("utf-8").strip()
        reason = verdict.reason + (
            "\nThe judge thinks that it may be impossible. If so, show the proof; a claim is not enough."
            if verdict.impossible
            else ""
        )
        return text.format(reason=reason, condition=held.condition, attempt=held.attempts + 1, rounds=wanted.rounds)
    raise Limited(_short(held, outcome, verdict.error or verdict.reason))


async def _verdict(session: Session, held: Goal, wanted: Wanted) -> tuple[Verdict, Usage]:
    """A verdict in any case: what goes wrong here must not look like a goal that is met."""
    try:
        async with asyncio.timeout(WHOLE):
            return await judged(session, held, wanted)
    except TimeoutError:
        return Verdict(error=f"there was no verdict within {WHOLE:g} s"), Usage()
    except MimoError as error:
        return Verdict(error=str(error)), Usage()
    except Exception as error:
        session.host.report("judgement.goal", error)
        return Verdict(error=f"{type(error).__name__}: {error}"), Usage()


def _short(held: Goal, outcome: str, why: str) -> str:
    if outcome == "unjudged":
        return (
            f"nobody could judge whether the goal is met ({why.rstrip('.')}); it stays: "
            "say something to go on and judge again, or /goal clear"
        )
    if outcome == "impossible":
        return f"the goal was found impossible twice in a row: {why}"
    return f"the goal is still not met after {held.attempts + 1} verdicts; the last: {why}"


def status(session: Session) -> str:
    """The goal for people."""
    held = current(session)
    if held is None:
        return "There is no goal. /goal CONDITION sets one; /goal CONDITION :: COMMAND lets a command decide."
    count = "1 verdict" if held.attempts == 1 else f"{held.attempts} verdicts"
    lines = [f"{held.condition} ({held.status.replace('_', ' ')}, {count} so far)"]
    lines += [f"  decided by: {check}" for check in held.checks]
    if held.last is not None:
        word = "no judgement" if held.last.error else "met" if held.last.ok else "not met"
        lines.append(f"  last verdict ({held.last.by}): {word}: {held.last.error or held.last.reason}")
        if held.last.evidence:
            lines.append(f"  evidence: {', '.join(f'#{number}' for number in held.last.evidence)}")
    return "\n".join(lines)
