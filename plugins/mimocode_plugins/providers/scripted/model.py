"""Plays a scenario as a model. Which step is played depends on the prompt alone, so that it survives the process."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

import msgspec

from mimocode.errors import ModelError, ModelFault
from mimocode.events import CallDelta, Pulse, ReasoningDelta, TextDelta
from mimocode.messages import Block, Message, Reasoning, Text, ToolCall, Usage
from mimocode.ports import Answer, Prompt

from .scenario import Scenario, Step

_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+$")
_VALUE = re.compile(r"\$\{(\w+)\}")


class ScriptedModel:
    """A scenario as a model.

    Args:
        ref: "scripted/<name>".
    """

    def __init__(self, ref: str, scenario: Scenario) -> None:
        self._ref, self._scenario = ref, scenario
        self._name = ref.partition("/")[2]
        self._failed: Counter[tuple[int, int]] = Counter()
        self._sizes: dict[str, tuple[int, int]] = {}

    @property
    def ref(self) -> str:
        """ "scripted/<name>"."""
        return self._ref

    @property
    def window(self) -> int:
        """Tokens, as the scenario says."""
        return self._scenario.window

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Play the step that the conversation has come to.

        Raises:
            ModelError: the scenario says so, has no such step, or expected something else from the last tool.
        """
        turn, number = place(prompt)
        values = {"result": _last(prompt, "tool"), "prompt": _last(prompt, "user")}
        step, values = self._chosen(self._scenario.at(turn, number, self._name), number, values)
        reasoning, text = _filled(step.reasoning, values), _filled(step.text, values)
        calls = tuple(self._calls(step, prompt, (turn, number), values))
        await asyncio.sleep(step.delay)
        failing = self._failing(step, (turn, number))
        words = step.error.after if failing and step.error else -1
        async for pulse in self._spoken(step, reasoning, text, words):
            yield pulse
        if failing:
            raise failing
        for call in calls:
            yield CallDelta(call.id, call.name)
            yield CallDelta(call.id, call.name, call.malformed or msgspec.json.encode(call.arguments).decode())
        said: tuple[Block, ...] = (
            *((Reasoning(reasoning),) if reasoning else ()),
            *((Text(text),) if text else ()),
            *calls,
        )
        finish = step.finish or ("calls" if calls else "stop")
        yield Answer(
            Message("assistant", said),
            self._usage(step, prompt, said),
            finish,
        )

    def _chosen(self, step: Step, number: int, values: Mapping[str, str]) -> tuple[Step, dict[str, str]]:
        """The step or the case of it that fits, and the values with the groups of its `when`."""
        for case in step.cases or (step,):
            if not case.when:
                return case, dict(values)
            if found := re.search(case.when, values["result"], re.DOTALL):
                groups = {str(n): text for n, text in enumerate(found.groups(""), 1)}
                return case, {**values, **groups, **found.groupdict("")}
        wanted = " or ".join(repr(case.when) for case in step.cases or (step,))
        shown = values["result"][-200:]
        sentence = f"scenario {self._name}, step {number + 1}: the last tool result has no {wanted}: {shown!r}"
        raise ModelError(ModelFault.NONSENSE, sentence)

    def _calls(self, step: Step, prompt: Prompt, at: tuple[int, int], values: Mapping[str, str]) -> Iterator[ToolCall]:
        """Ids hang on the place in the conversation: the same after a restart, never the same twice."""
        last = prompt.messages[-1] if prompt.messages else Message("user")
        seed = f"{at} {len(prompt.messages)} {last.call_id or last.text}"
        mark = hashlib.sha256(seed.encode()).hexdigest()[:10]
        for index, call in enumerate(step.calls):
            made = call.id or f"call_{mark}_{index}"
            yield ToolCall(made, call.name, _filled(call.arguments, values), _filled(call.malformed, values))

    def _failing(self, step: Step, at: tuple[int, int]) -> ModelError | None:
        error = step.error
        if error is None or (error.times and self._failed[at] >= error.times):
            return None
        self._failed[at] += 1
        return ModelError(error.fault, error.message, status=error.status, retry_after=error.retry_after)

    async def _spoken(self, step: Step, reasoning: str, text: str, words: int) -> AsyncIterator[Pulse]:
        """So many words of it, all if negative."""
        pace = self._scenario.pace if step.pace is None else step.pace
        pulses: list[Pulse] = [ReasoningDelta(word) for word in _WORD.findall(reasoning)]
        pulses += [TextDelta(word) for word in _WORD.findall(text)]
        for pulse in pulses if words < 0 else pulses[:words]:
            yield pulse
            if pace:
                await asyncio.sleep(pace)

    def _usage(self, step: Step, prompt: Prompt, said: tuple[Block, ...]) -> Usage:
        """The scripted numbers over an estimate of four bytes a token."""
        answered = sum(len(msgspec.json.encode(block)) for block in said)
        counted: dict[str, int] = {"input": self._size(prompt) // 4, "output": answered // 4 + 1}
        return Usage(**counted | cast(dict[str, int], step.usage))

    def _size(self, prompt: Prompt) -> int:
        """Bytes of a request; only what is new is counted anew."""
        count, size = self._sizes.get(prompt.session, (0, 0))
        if not count or count > len(prompt.messages):
            count, size = 0, len(msgspec.json.encode((prompt.system, prompt.tools)))
        size += sum(len(msgspec.json.encode(prompt.messages[i])) for i in range(count, len(prompt.messages)))
        self._sizes[prompt.session] = len(prompt.messages), size
        return size


def place(prompt: Prompt) -> tuple[int, int]:
    """Which turn of the user this is and how many answers it has had, both from 0. Messages of plugins count not."""
    turns = answers = 0
    for message in prompt.messages:
        if message.role == "user" and not message.origin:
            turns, answers = turns + 1, 0
        elif message.role == "assistant":
            answers += 1
    return max(turns - 1, 0), answers


def _last(prompt: Prompt, role: str) -> str:
    found = (m.text for m in reversed(prompt.messages) if m.role == role and not m.origin)
    return next(found, "")


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Values put in at any depth; what is not known stays as it is."""
    if isinstance(value, str):
        return _VALUE.sub(lambda found: values.get(found[1], found[0]), value)
    if isinstance(value, dict):
        return {name: _filled(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    return value
