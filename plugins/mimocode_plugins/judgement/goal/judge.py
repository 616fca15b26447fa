"""An independent judge, and check commands that need none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mimocode.messages import ToolCall, Usage

from ..asking import Garbage, clipped, consult
from .evidence import items, told
from .goals import Goal, Verdict, Wanted

if TYPE_CHECKING:
    from mimocode.session import Session

AGENT = "judge"
"""Whose prompt the judge gets, and whose model when the setting `goal` names none."""
ROOM = 160_000
"""Characters of evidence at most; a smaller window of the judge's model gives less."""
PER_TOKEN = 2
"""Characters per token at the least, to be sure that the evidence fits."""
CHECKPOINT = 8000
"""Characters of what the window opened with, when it was rebuilt."""
OUTPUT = 1500
"""Characters of a failed check's output that the agent gets to read."""

_BESIDE = re.compile(r"(?<!\s)\s*<(\w+_metadata)>.*?</\1>", re.DOTALL)
"""What a tool says of a run beside its output: the exit code stands in the verdict already."""


async def judged(session: Session, goal: Goal, wanted: Wanted) -> tuple[Verdict, Usage]:
    """A verdict on the goal: by its check commands if it has any, else by a model."""
    if goal.checks:
        return await checked(session, goal, wanted.check_timeout), Usage()
    if goal.tokens >= wanted.tokens:
        return Verdict(error=f"judging this goal has used its {wanted.tokens:,} tokens (goal.tokens)"), Usage()
    question, numbers = await _question(session, goal)
    judge = (await session.host.agents()).get(AGENT)
    if judge is None or not judge.prompt:
        return Verdict(error=f"there is no agent {AGENT}, or it has no prompt"), Usage()
    read, model = _reader(numbers), wanted.model or judge.model
    opinion = await consult(session, judge.prompt, question, read, purpose=AGENT, model=model, seconds=wanted.timeout)
    if opinion.value is None:
        return Verdict(error=opinion.trouble), opinion.usage
    verdict: Verdict = opinion.value
    return verdict, opinion.usage


async def _question(session: Session, goal: Goal) -> tuple[str, set[int]]:
    store = await session.host.store()
    window = session.model.window if session.model is not None else 0
    room = min(ROOM, window * PER_TOKEN // 2) if window else ROOM
    evidence, numbers = await asyncio.to_thread(lambda: told(items(store.read(session.id), goal.since), room))
    opened = session.state.window.messages if session.state.window else ()
    earlier = clipped("\n".join(message.text for message in opened if message.role == "user"), CHECKPOINT)
    parts = [f"<condition>\n{goal.condition}\n</condition>"]
    parts += [f"<checkpoint>\n{earlier}\n</checkpoint>"] if earlier else []
    parts += [f"<evidence>\n{evidence or '(nothing)'}\n</evidence>", "Is the condition met?"]
    return "\n\n".join(parts), numbers


def _reader(numbers: set[int]) -> Callable[[Mapping[str, Any]], Verdict]:
    """Read a verdict. An `ok` that names no evidence, or evidence that is not there, is none."""

    def read(answer: Mapping[str, Any]) -> Verdict:
        ok, impossible, reason = answer.get("ok"), answer.get("impossible", False), answer.get("reason")
        cited = answer.get("evidence", [])
        if not isinstance(ok, bool) or not isinstance(impossible, bool | None):
            raise Garbage('"ok" and "impossible" must be true or false')
        if not isinstance(reason, str) or not reason.strip():
            raise Garbage('"reason" must be a sentence')
        if not isinstance(cited, list) or any(not isinstance(n, int) or isinstance(n, bool) for n in cited):
            raise Garbage('"evidence" must be a list of item numbers')
        evidence = tuple(number for number in dict.fromkeys(cited) if number in numbers)
        if ok and not evidence:
            return Verdict(False, f"Nothing in the evidence shows it. The judge said: {reason.strip()}")
        return Verdict(ok, reason.strip(), bool(impossible) and not ok, evidence)

    return read


async def checked(session: Session, goal: Goal, seconds: float) -> Verdict:
    """Run the check commands in order, as the agent's own commands run; all must exit with 0."""
    spec = next((spec for spec in session.toolbox.specs.values() if _command(spec.meta)), None)
    if spec is None:
        return Verdict(by="check", error="there is no tool to run the check command with")
    for number, command in enumerate(goal.checks):
        call = ToolCall(f"goal-{goal.id}-{goal.attempts}-{number}", spec.name, {_command(spec.meta): command})
        timed = {**call.arguments, "timeout": int(seconds * 1000)}
        call = ToolCall(call.id, call.name, timed if "timeout" in spec.schema.get("properties", {}) else call.arguments)
        result = await session.toolbox.call(call, _unheard, session.meta(call))
        code = (result.display or {}).get("exit")
        if result.error or code != 0:
            ended = f"exits with {code}" if code is not None else "did not run"
            told = clipped(_BESIDE.sub("", result.text), OUTPUT)
            return Verdict(False, f"`{command}` {ended}:\n{told}", by="check")
    return Verdict(True, f"{'; '.join(f'`{command}`' for command in goal.checks)}: exit 0", by="check")


def _command(meta: Mapping[str, Any]) -> str:
    return str((meta.get("mimocode") or {}).get("command") or "")


async def _unheard(_text: str) -> None:
    """Nobody watches the output of a check."""


def noted(goal: Goal, verdict: Verdict, outcome: str, usage: Usage) -> dict[str, Any]:
    """A verdict as it stands in the log."""
    return {
        "op": "verdict",
        "id": goal.id,
        "ok": verdict.ok,
        "reason": verdict.reason,
        "impossible": verdict.impossible,
        "evidence": list(verdict.evidence),
        "by": verdict.by,
        "error": verdict.error,
        "outcome": outcome,
        "tokens": usage.input + usage.output,
    }
