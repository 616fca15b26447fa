"""A model that makes several proposals for each step and answers with one of them.

Proposing runs nothing: a model only ever asks for tools. Exactly one proposal reaches the loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from mimocode.errors import ModelError, ModelFault
from mimocode.events import CallDelta, Noted, Notice, Pulse, ReasoningDelta, TextDelta
from mimocode.messages import Reasoning, Text, Usage, user
from mimocode.ports import Answer, Model, Prompt
from mimocode.state import Grown

from .choosing import Choice, choose
from .proposals import Candidate, grouped
from .switch import PLUGIN, Wish, due, wish

if TYPE_CHECKING:
    from mimocode.session import Session

HEAT = (None, 1.0, 0.7, 1.0, 0.4)
"""Temperatures, in turn; None leaves the agent's own. The first candidate is the ordinary request."""
FATAL = frozenset({ModelFault.CREDENTIAL, ModelFault.NOT_FOUND, ModelFault.OVERFLOW})
"""What is wrong with one request is then wrong with all."""


class Many:
    """The model inside, asked several times."""

    def __init__(self, inner: Model, session: Session) -> None:
        self._inner, self._session = inner, session

    @property
    def ref(self) -> str:
        """ "provider/model"."""
        return self._inner.ref

    @property
    def window(self) -> int:
        """How many tokens a request and its answer may have together."""
        return self._inner.window

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Propose, choose, answer; an ordinary step where Max Mode is off or not due.

        Raises:
            ModelError: no candidate could be had, nor an ordinary answer.
        """
        wanted = wish(self._session) if prompt.tools and prompt.session == self._session.id else None
        if wanted is not None and due(wanted, prompt) and not self._spent(wanted):
            candidates = await self._propose(prompt, wanted)
            if any(candidate.answer for candidate in candidates):
                async for piece in self._settle(prompt, wanted, candidates):
                    yield piece
                return
            await self._note(candidates, None)
            yield Notice(PLUGIN, f"none of {len(candidates)} candidates answered; an ordinary step instead", "warning")
        async with aclosing(self._inner.stream(prompt)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                yield piece

    def _spent(self, wanted: Wish) -> bool:
        notes = self._session.state.notes.get(PLUGIN, ())
        spent = sum(float(note.get("cost", 0)) for note in notes)
        return bool(wanted.cost_cap) and spent >= wanted.cost_cap

    async def _propose(self, prompt: Prompt, wanted: Wish) -> list[Candidate]:
        angles = files(__package__).joinpath("angles.md").read_text("utf-8").split("\n")
        angles = ["", *[angle for angle in angles if angle.strip()]]
        plans = [Candidate(n, angles[n % len(angles)], HEAT[n % len(HEAT)]) for n in range(wanted.candidates)]
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._one(prompt, plan)) for plan in plans]
        candidates = [task.result() for task in asked]
        for candidate in candidates:
            if isinstance(candidate, ModelError):
                raise candidate
        return [candidate for candidate in candidates if isinstance(candidate, Candidate)]

    async def _one(self, prompt: Prompt, plan: Candidate) -> Candidate | ModelError:
        messages, options, name = prompt.messages, prompt.options, prompt.session
        if plan.angle:
            messages = Grown([*messages, user(plan.angle, origin=PLUGIN)])
            name = f"{name}:{plan.number}"
        if plan.temperature is not None:
            options = {**options, "temperature": plan.temperature}
        asked = replace(prompt, messages=messages, options=options, session=name)
        try:
            async with aclosing(self._inner.stream(asked)) as pieces:  # type: ignore[type-var]
                async for piece in pieces:
                    if isinstance(piece, Answer):
                        return replace(plan, answer=piece)
        except ModelError as error:
            return error if error.fault in FATAL else replace(plan, error=str(error))
        except Exception as error:  # a provider that breaks costs its own candidate; an ordinary step says so aloud
            return replace(plan, error=f"{type(error).__name__}: {error}")
        return replace(plan, error="the stream ended without an answer")

    async def _settle(self, prompt: Prompt, wanted: Wish, candidates: list[Candidate]) -> AsyncIterator[Pulse | Answer]:
        choice = await choose(self._session, prompt, candidates, wanted.model)
        await self._note(candidates, choice)
        number = choice.candidate.number + 1
        yield Notice(PLUGIN, f"candidate {number} of {len(candidates)} ({choice.by}): {choice.reason}".rstrip(": "))
        answer = choice.candidate.answer
        assert answer is not None
        for block in answer.message.content:
            if isinstance(block, Reasoning) and block.text:
                yield ReasoningDelta(block.text)
            elif isinstance(block, Text):
                yield TextDelta(block.text)
        for call in answer.message.calls:
            yield CallDelta(call.id, call.name)
        yield answer

    async def _note(self, candidates: list[Candidate], choice: Choice | None) -> None:
        """Keep all of them, and count what the losers and the judge used; the winner's is counted with its answer."""
        chosen = choice.candidate.number if choice else -1
        besides = sum((c.usage for c in candidates if c.number != chosen), choice.usage if choice else Usage())
        data: dict[str, Any] = {
            "op": "step",
            "chosen": chosen,
            "by": choice.by if choice else "none",
            "reason": choice.reason if choice else "",
            "groups": [[c.number for c in group.members] for group in grouped(candidates)],
            "candidates": [_told(candidate) for candidate in candidates],
            "cost": besides.cost,
        }
        await self._session.emit(Noted(PLUGIN, data, besides))


def _told(candidate: Candidate) -> dict[str, Any]:
    told: dict[str, Any] = {"number": candidate.number, "angle": candidate.angle, "temperature": candidate.temperature}
    if candidate.answer is None:
        return told | {"error": candidate.error}
    message = candidate.answer.message
    calls = [{"name": call.name, "arguments": dict(call.arguments)} for call in message.calls]
    tokens = [candidate.usage.input, candidate.usage.output]
    return told | {"text": message.text, "calls": calls, "tokens": tokens}
