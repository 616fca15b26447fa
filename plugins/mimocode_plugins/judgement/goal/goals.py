"""A goal as what the log adds up to, and what follows from a verdict. Pure, so that a restart and a fork keep it.

Source: runtime.md 7 and 12.4 (25), DESIGN.md 8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Outcome = Literal["met", "send_back", "impossible", "given_up", "unjudged"]

PLUGIN = "goal"
"""Under this name goals and verdicts are noted in the log."""
IN_A_ROW = 2
"""How many verdicts of impossibility in a row are believed."""


@dataclass(frozen=True)
class Wanted:
    """The section `goal` with its defaults: times in seconds, `tokens` for judging one goal in all."""

    model: str = ""
    rounds: int = 12
    tokens: int = 500_000
    timeout: float = 120
    check_timeout: float = 300


@dataclass(frozen=True)
class Verdict:
    """What a judge or a check command found.

    `evidence` are numbers of facts in the log. `error` says that there was no judgement, and why.
    """

    ok: bool = False
    reason: str = ""
    impossible: bool = False
    evidence: tuple[int, ...] = ()
    by: str = "judge"
    error: str = ""


@dataclass(frozen=True)
class Goal:
    """What is to be reached. `since` is the number of the fact that its turn began with; `by` is "user" or "agent"."""

    id: int
    condition: str
    checks: tuple[str, ...] = ()
    since: int = 0
    by: str = "user"
    status: str = "active"
    attempts: int = 0
    impossibles: int = 0
    tokens: int = 0
    """What judging has used."""
    last: Verdict | None = None

    @property
    def active(self) -> bool:
        """Whether the agent is held to it."""
        return self.status == "active"


def goal(notes: Iterable[Mapping[str, Any]]) -> Goal | None:
    """The latest goal, active or not."""
    now: Goal | None = None
    for note in notes:
        if note["op"] == "set":
            now = Goal(note["id"], note["condition"], tuple(note["checks"]), note["since"], note["by"])
        elif now is None or note["id"] != now.id:
            continue
        elif note["op"] == "clear":
            now = replace(now, status="cleared")
        elif note["op"] == "verdict":
            verdict = Verdict(**{k: note[k] for k in ("ok", "reason", "impossible", "by", "error")})
            now = after(now, replace(verdict, evidence=tuple(note["evidence"])), note["outcome"], note["tokens"])
    return now


def after(goal: Goal, verdict: Verdict, outcome: str, tokens: int) -> Goal:
    """The goal after a verdict."""
    return replace(
        goal,
        status="active" if outcome in ("send_back", "unjudged") else outcome,
        attempts=goal.attempts + (not verdict.error),
        impossibles=goal.impossibles + 1 if verdict.impossible else goal.impossibles if verdict.error else 0,
        tokens=goal.tokens + tokens,
        last=verdict,
    )


def decide(goal: Goal, verdict: Verdict, rounds: int) -> Outcome:
    """What follows from a verdict; nothing but an `ok` without an error is ever an approval.

    Args:
        rounds: how often the agent is sent back before it may give up.
    """
    if verdict.error:
        return "unjudged"
    if verdict.ok:
        return "met"
    if verdict.impossible and goal.impossibles + 1 >= IN_A_ROW:
        return "impossible"
    return "given_up" if goal.attempts >= rounds else "send_back"


def parsed(text: str) -> tuple[str, tuple[str, ...]]:
    """A condition and its check commands, from "tests pass :: pytest -q :: ruff check"."""
    condition, *checks = [part.strip() for part in text.split(" :: ")]
    if condition.startswith(":: "):
        condition, checks = "", [condition[3:].strip(), *checks]
    wanted = tuple(check for check in checks if check)
    return condition or f"these commands succeed: {'; '.join(wanted)}", wanted
