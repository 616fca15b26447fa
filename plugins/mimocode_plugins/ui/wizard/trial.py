"""One real request that shows whether a model can be worked with."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mimocode.errors import MimoError, ModelError, ModelFault
from mimocode.events import CallDelta, ReasoningDelta, TextDelta
from mimocode.messages import Message, Part, Text, ToolCall, ToolSpec
from mimocode.ports import Answer, Prompt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mimocode.host import Host

PATIENCE = 120.0
"""Seconds: a model on this machine is loaded first."""
SMALL = 16_000
"""Tokens below which work is hardly possible."""
_ASKED = "Write one short sentence of greeting, then call the tool `echo` with the text `ready`."
_TOOL = ToolSpec(
    "echo",
    "Says a text back.",
    {"type": "object", "properties": {"text": {"type": "string", "description": "the text"}}, "required": ["text"]},
)


@dataclass(frozen=True)
class Verdict:
    """What the request showed."""

    ref: str
    works: bool
    streams: bool = False
    calls: bool = False
    window: int = 0
    seconds: float = 0.0
    why: str = ""
    fault: str = ""
    """Of a failure: the kind, as `ModelFault` names it."""

    def lines(self) -> Iterator[str]:
        """The verdict for people."""
        if not self.works:
            yield f"✗ {self.ref} does not work: {self.why}"
            return
        yield f"✓ {self.ref} works ({self.seconds:.1f} s)"
        yield f"  streaming: {'yes' if self.streams else 'no, answers come all at once'}"
        yield f"  tool calls: {'yes' if self.calls else 'no: it can talk, but hardly work'}"
        size = f"{self.window:,} tokens" if self.window else "unknown; a million is assumed"
        note = ", too small to work with: give it more" if 0 < self.window < SMALL else ""
        yield f"  context: {size}{note}"


async def attempt(ref: str, host: Host) -> Verdict:
    """Ask once, with a tool; never raises a `MimoError`."""
    window = next((info.window for info in await host.models() if info.ref == ref), 0)
    began, pieces, answer = time.monotonic(), 0, None
    try:
        model = await host.model(ref)
        prompt = Prompt((Part("You are being tried out. Be brief."),), [Message("user", (Text(_ASKED),))], (_TOOL,))
        try:
            async with asyncio.timeout(PATIENCE):
                async for piece in model.stream(prompt):
                    pieces += isinstance(piece, TextDelta | ReasoningDelta | CallDelta)
                    answer = piece if isinstance(piece, Answer) else answer
        finally:
            if (close := getattr(model, "close", None)) is not None:
                await close()
    except TimeoutError:
        return Verdict(ref, False, why=f"it did not answer within {PATIENCE:g} s", fault=ModelFault.NETWORK)
    except ModelError as error:
        return Verdict(ref, False, why=str(error), fault=error.fault)
    except MimoError as error:
        return Verdict(ref, False, why=str(error))
    if answer is None or not answer.message.content:
        return Verdict(ref, False, why="its answer was empty", fault=ModelFault.NONSENSE)
    called = any(isinstance(block, ToolCall) and block.name == "echo" for block in answer.message.content)
    return Verdict(ref, True, pieces > 1, called, window, time.monotonic() - began)
