"""The events of a Messages stream as pulses and one answer.

Source: Messages API reference, streaming: message_start, content_block_{start,delta,stop}, message_delta,
message_stop, ping, error; unknown events and deltas are to be ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import msgspec

from mimocode.events import Pulse, ReasoningDelta, TextDelta
from mimocode.messages import Block, Message, Reasoning, Text, Usage
from mimocode.ports import Answer

from ..wire.calls import Assembler

Finish = Literal["stop", "calls", "length", "filtered"]
_FINISH: Mapping[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "refusal": "filtered",
}
"""`pause_turn` means that the provider wants to be asked to go on, as a cut answer does."""


class Reader:
    """Reads one answer: `feed` it decoded events until `done`, then take `answer`."""

    def __init__(self, provider: str, taken: Collection[str] = ()) -> None:
        self._provider = provider
        self._blocks: dict[int, dict[str, Any]] = {}
        self._pieces: dict[tuple[int, str], list[str]] = {}
        """What came as deltas, by block and key."""
        self._calls = Assembler(taken)
        self._usage: dict[str, int] = {}
        self.stop_reason = ""
        self.done = False

    def feed(self, event: Mapping[str, Any]) -> Iterator[Pulse]:
        """Take one event; what can be shown comes back."""
        match event.get("type"):
            case "message_start":
                self._count(event.get("message", {}).get("usage"))
            case "content_block_start":
                yield from self._started(int(event.get("index", 0)), dict(event.get("content_block") or {}))
            case "content_block_delta":
                yield from self._grown(int(event.get("index", 0)), event.get("delta") or {})
            case "message_delta":
                self.stop_reason = (event.get("delta") or {}).get("stop_reason") or self.stop_reason
                self._count(event.get("usage"))
            case "message_stop":
                self.done = True

    @property
    def complete(self) -> bool:
        """The answer is whole, even if its last event never came."""
        return self.done or bool(self.stop_reason)

    def answer(self) -> Answer:
        """What was said."""
        calls = iter(self._calls.finished())
        content: list[Block] = []
        for (index, name), pieces in self._pieces.items():
            block = self._blocks[index]
            block[name] = "".join((block.get(name, ""), *pieces))
        self._pieces.clear()
        for _, block in sorted(self._blocks.items()):
            match block.get("type"):
                case "text" if block.get("text"):
                    content.append(Text(block["text"]))
                case "thinking" | "redacted_thinking":
                    data = {"provider": self._provider, "block": block}
                    content.append(Reasoning(block.get("thinking", ""), data))
                case "tool_use":
                    content.append(next(calls))
        message = Message("assistant", tuple(content))
        finish = _FINISH.get(self.stop_reason, "stop")
        if finish in {"stop", "calls"}:
            finish = "calls" if message.calls else "stop"
        return Answer(message, self.usage, finish)

    @property
    def usage(self) -> Usage:
        """Tokens so far. The provider counts what the cache read and wrote apart from the input; we count it in."""
        read = self._usage.get("cache_read_input_tokens", 0)
        wrote = self._usage.get("cache_creation_input_tokens", 0)
        return Usage(
            input=self._usage.get("input_tokens", 0) + read + wrote,
            output=self._usage.get("output_tokens", 0),
            cache_read=read,
            cache_write=wrote,
            reasoning=self._usage.get("thinking_tokens", 0),
        )

    def _count(self, usage: Any) -> None:
        """Later numbers are totals and replace earlier ones; some endpoints send nothing but zeros at first."""
        for name, value in ((usage or {}) | ((usage or {}).get("output_tokens_details") or {})).items():
            if isinstance(value, int) and value:
                self._usage[name] = value

    def _started(self, index: int, block: dict[str, Any]) -> Iterator[Pulse]:
        # keys that this version does not know stay in the block: thoughts go back as they came
        self._blocks[index] = block
        match block.get("type"):
            case "tool_use":
                given = block.get("input")
                yield self._calls.add(index, str(block.get("id", "")), str(block.get("name", "")))
                if given:
                    # an endpoint that does not stream arguments
                    yield self._calls.add(index, arguments=msgspec.json.encode(given).decode())
            case "text":
                if block.get("text"):
                    yield TextDelta(block["text"])
            case "thinking":
                if block.get("thinking"):
                    yield ReasoningDelta(block["thinking"])

    def _grown(self, index: int, delta: Mapping[str, Any]) -> Iterator[Pulse]:
        match delta.get("type"):
            case "text_delta":
                yield TextDelta(self._extend(index, "text", "text", delta["text"]))
            case "thinking_delta":
                yield ReasoningDelta(self._extend(index, "thinking", "thinking", delta["thinking"]))
            case "signature_delta":
                self._extend(index, "thinking", "signature", delta["signature"])
            case "input_json_delta" if self._blocks.get(index, {}).get("type") == "tool_use":
                if delta["partial_json"]:
                    yield self._calls.add(index, arguments=delta["partial_json"])

    def _extend(self, index: int, kind: str, name: str, more: str) -> str:
        """Add to a block; one that never was announced begins here."""
        self._blocks.setdefault(index, {"type": kind})
        self._pieces.setdefault((index, name), []).append(more)
        return more
