"""A plugin with a model that plays several parts: the first word of what it was told chooses the part.

`cast/<path of a JSON file>`: {"part": [step, ...]}, a step being {"text": ...}, {"calls": [{"name", "arguments"}]},
{"hang": true} or {"crash": "why"}. Which step is played depends on the prompt alone, so that it survives the process.
`again` marks a last step that is played for ever.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from mimocode import hookimpl
from mimocode.errors import ModelError, ModelFault
from mimocode.events import Pulse
from mimocode.messages import Message, Text, ToolCall, Usage
from mimocode.ports import Answer, Prompt


class Cast:
    """The model."""

    window = 200_000

    def __init__(self, ref: str, parts: dict[str, list[dict[str, Any]]]) -> None:
        self.ref, self.parts = ref, parts

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Play the step that the conversation has come to."""
        name, number = self.place(prompt)
        steps = self.parts[name]
        if number >= len(steps) and not steps[-1].get("again"):
            raise ModelError(ModelFault.REQUEST, f"the part {name} has no step {number + 1}")
        step = steps[min(number, len(steps) - 1)]
        await asyncio.sleep(step.get("delay", 0))
        if step.get("hang"):
            await asyncio.Event().wait()
        if "crash" in step:
            raise ModelError(ModelFault.REQUEST, step["crash"])
        calls = tuple(
            ToolCall(f"{name}{number}_{at}", call["name"], call["arguments"])
            for at, call in enumerate(step.get("calls", ()))
        )
        text = (Text(step["text"]),) if "text" in step else ()
        yield Answer(Message("assistant", (*text, *calls)), Usage(100, 10), "calls" if calls else "stop")

    def place(self, prompt: Prompt) -> tuple[str, int]:
        """The part, and how many answers it has given."""
        answers = 0
        for message in reversed(prompt.messages):
            if message.role == "assistant":
                answers += 1
            words = message.text.removeprefix("Task: ").split(maxsplit=1)
            if message.role == "user" and not message.origin and words and words[0] in self.parts:
                return words[0], answers
        raise ModelError(ModelFault.REQUEST, f"nobody plays {prompt.messages[-1].text[:80]!r}")


@hookimpl(tryfirst=True)
def open_model(ref: str) -> Cast | None:
    """`cast/...`."""
    provider, _, path = ref.partition("/")
    return Cast(ref, json.loads(Path(path).read_text("utf-8"))) if provider == "cast" else None
