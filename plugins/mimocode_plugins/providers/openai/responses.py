"""Responses: from prompts to bodies, from events to an answer.

Nothing is stored at the provider (`store: false`); reasoning comes encrypted and goes back untouched, so that the
model keeps its thread of thought across tool calls. Source: OpenAI API reference, "Create a response" and its
streaming events; guide "Reasoning models", keeping reasoning items in context.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal

import msgspec

from mimocode.events import Pulse, ReasoningDelta, TextDelta
from mimocode.messages import Block, Media, Message, Reasoning, Text, ToolCall, Usage
from mimocode.ports import Answer, Prompt

from ..wire import faults
from ..wire.calls import Assembler, written
from ..wire.config import Target, costed
from ..wire.http import Line, decoded, drained
from ..wire.prefix import Prefix
from .profile import effort, headers, kind_of, output_limit, profile_of, reads, sampling, unreadable

_json = msgspec.json.Encoder().encode
_REASONERS = re.compile(r"^(o[1-9]|gpt-[5-9]|codex|grok-[4-9])")
ENCRYPTED = "reasoning.encrypted_content"


class ResponsesModel:
    """One model behind a Responses endpoint. `close` lets go of idle connections."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._profile = profile_of(target)
        self._line = Line(target.asked, headers(target), target.timeouts)
        self._prefix = Prefix(self._head, lambda messages: encoded(messages, target))

    @property
    def ref(self) -> str:
        """ "provider/model"."""
        return self._target.ref

    @property
    def window(self) -> int:
        """Tokens of a request and its answer together."""
        return self._target.window

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Ask, and yield what comes; see `mimocode.ports.Model`."""
        body, taken = self._prefix.request(prompt)
        reading = _Reading(self._target, Assembler(taken))
        async with aclosing(self._line.stream(body)) as events:
            async for event in events:
                if event.data.strip() == b"[DONE]":
                    break
                for pulse in reading.take(decoded(event, self._target.asked)):
                    yield pulse
                if reading.finish:
                    await drained(events)
                    break
        if not reading.finish:
            raise self._line.cut()
        yield reading.answer()

    async def close(self) -> None:
        """Let go of idle connections."""
        await self._line.close()

    def _head(self, prompt: Prompt) -> bytes:
        """Everything before the items; the items come last so that bodies grow at their end."""
        target = self._target
        head: dict[str, Any] = {
            "model": target.model.wire_id,
            "stream": True,
            "store": False,
            **sampling(target, self._profile, prompt.options),
        }
        wanted = effort(target, self._profile, prompt.options)
        level = wanted.pop("reasoning_effort", None) or wanted.pop("reasoningEffort", None)
        if level or thinks(target):
            # also for a model of which nothing is known but that it was asked to think: without their encrypted
            # content its thoughts cannot go back, and calls without them are refused
            head["include"] = [ENCRYPTED]
            head["reasoning"] = {"summary": "auto"} | ({"effort": level} if level else {})
        head |= wanted
        if limit := output_limit(target, prompt.options):
            # the provider refuses less than 16
            head["max_output_tokens"] = max(limit, 16)
        if prompt.session and target.provider.options.get("setCacheKey") is not False:
            head["prompt_cache_key"] = prompt.session.partition("/")[0]  # of "<parent>/<child>": one cache
        head |= target.body
        if system := "\n\n".join(part.text for part in prompt.system if part.text):
            head["instructions"] = system
        if prompt.tools:
            head["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": {"type": "object", **tool.schema},
                    "strict": False,
                }
                for tool in prompt.tools
            ]
        return _json(head)[:-1] + b',"input":['


def thinks(target: Target) -> bool:
    """Whether reasoning may be asked for: the record says so, or the name of a model that nobody has listed does."""
    told = target.model.record.get("reasoning")
    return bool(told) if told is not None else bool(_REASONERS.match(target.model.wire_id.rpartition("/")[2]))


def encoded(messages: Sequence[Message], target: Target) -> Iterator[bytes]:
    """Messages as the items that they are on this wire."""
    for message in messages:
        match message.role:
            case "user":
                if parts := _parts(message.content, target):
                    yield _json({"type": "message", "role": "user", "content": parts})
            case "assistant":
                yield from _assistant(message, target)
            case _:
                media = any(isinstance(block, Media) for block in message.content)
                output = _parts(message.content, target) if media else message.text
                yield _json({"type": "function_call_output", "call_id": message.call_id, "output": output})


def _parts(blocks: Sequence[Block], target: Target) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if isinstance(block, Text) and block.text:
            parts.append({"type": "input_text", "text": block.text})
        elif isinstance(block, Media):
            kind = kind_of(block.mime)
            url = f"data:{block.mime};base64,{block.data}"
            if not reads(target.model, kind):
                parts.append({"type": "input_text", "text": unreadable(block.name, kind)})
            elif kind == "image":
                parts.append({"type": "input_image", "image_url": url})
            else:
                parts.append({"type": "input_file", "filename": block.name or "file", "file_data": url})
    return parts


def _assistant(message: Message, target: Target) -> Iterator[bytes]:
    """The items of an answer. A reasoning item must be followed by what it belongs to, so a last one stays behind."""
    waiting: list[Any] = []
    for block in message.content:
        made: dict[str, Any] | None = None
        match block:
            case Reasoning(data=data) if data.get("ref") == target.ref and data.get("item"):
                waiting.append(data["item"])
            case Text(text=text) if text:
                content = [{"type": "output_text", "text": text}]
                made = {"type": "message", "role": "assistant", "content": content}
            case ToolCall(id=call_id, name=name):
                made = {
                    "type": "function_call",
                    "call_id": call_id,
                    "name": name or "unnamed",
                    "arguments": written(block),
                }
        if made:
            yield from map(_json, waiting)
            waiting.clear()
            yield _json(made)


class _Reading:
    """An answer while it comes in. Items are known by their place in the output."""

    def __init__(self, target: Target, calls: Assembler) -> None:
        self._target, self._calls = target, calls
        self._order: dict[int, str] = {}
        self._texts: dict[int, list[str]] = {}
        self._items: dict[int, Mapping[str, Any]] = {}
        self._usage: Mapping[str, Any] = {}
        self.finish: Literal["", "stop", "length", "filtered"] = ""
        """How it ended; empty while it has not."""

    def take(self, event: dict[str, Any]) -> Iterator[Pulse]:
        """What one event adds.

        Raises:
            ModelError: the provider says that the answer failed.
        """
        place = event.get("output_index", 0)
        match str(event.get("type", "")).removeprefix("response."):
            case "output_text.delta" | "refusal.delta":
                yield from self._more(place, "message", event, TextDelta)
            case "reasoning_summary_text.delta" | "reasoning_text.delta":
                yield from self._more(place, "reasoning", event, ReasoningDelta)
            case "reasoning_summary_part.added" if event.get("summary_index") and self._texts.get(place):
                yield from self._more(place, "reasoning", {"delta": "\n\n"}, ReasoningDelta)
            case "function_call_arguments.delta":
                yield self._calls.add(place, arguments=event.get("delta") or "")
            case "function_call_arguments.done":
                self._calls.replace(place, event.get("arguments") or "")
            case "output_item.added":
                yield from self._began(place, event.get("item") or {})
            case "output_item.done":
                yield from self._ended(place, event.get("item") or {})
            case "completed" | "incomplete" as how:
                self._close(event.get("response") or {}, how)
            case "failed":
                raise faults.in_stream(event.get("response") or {}, self._target.asked)

    def answer(self) -> Answer:
        """All of it, in the order of the output."""
        calls = dict(zip([p for p, kind in self._order.items() if kind == "call"], self._calls.finished(), strict=True))
        blocks: list[Block] = []
        for place, kind in sorted(self._order.items()):
            text = "".join(self._texts.get(place, ()))
            if kind == "call":
                blocks.append(calls[place])
            elif kind == "message" and text:
                blocks.append(Text(text))
            elif kind == "reasoning":
                data = self._sealed(place)
                blocks += [Reasoning(text, data)] if text or data else []
        finish = "calls" if calls and self.finish == "stop" else self.finish or "stop"
        usage = costed(_usage(self._usage), self._target.model.info(self._target.ref))
        return Answer(Message("assistant", tuple(blocks)), usage, finish)

    def _more(
        self, place: int, kind: str, event: Mapping[str, Any], pulse: type[TextDelta] | type[ReasoningDelta]
    ) -> Iterator[Pulse]:
        if text := event.get("delta"):
            self._order.setdefault(place, kind)
            self._texts.setdefault(place, []).append(text)
            yield pulse(text)

    def _began(self, place: int, item: Mapping[str, Any]) -> Iterator[Pulse]:
        if item.get("type") == "function_call" and self._order.get(place) != "call":
            self._order[place] = "call"
            yield self._calls.add(place, item.get("call_id") or "", item.get("name") or "", item.get("arguments") or "")

    def _ended(self, place: int, item: Mapping[str, Any]) -> Iterator[Pulse]:
        """The whole item: it counts where its pieces did not come."""
        self._items[place] = item
        match item.get("type"):
            case "function_call":
                yield from self._began(place, item)
                self._calls.replace(place, item.get("arguments") or "")
            case "message" if not self._texts.get(place):
                parts = item.get("content") or ()
                text = "".join(part.get("text") or part.get("refusal") or "" for part in parts)
                yield from self._more(place, "message", {"delta": text}, TextDelta)
            case "reasoning":
                self._order.setdefault(place, "reasoning")

    def _sealed(self, place: int) -> dict[str, Any]:
        """What goes back to the provider: without its encrypted content the item means nothing to it."""
        item = self._items.get(place) or {}
        if not item.get("encrypted_content"):
            return {}
        kept = {k: item[k] for k in ("type", "id", "summary", "encrypted_content") if k in item}
        return {"ref": self._target.ref, "item": {"summary": [], **kept}}

    def _close(self, response: Mapping[str, Any], how: str) -> None:
        self._usage = response.get("usage") or {}
        why = (response.get("incomplete_details") or {}).get("reason")
        self.finish = "stop" if how == "completed" else "filtered" if why == "content_filter" else "length"


def _usage(given: Mapping[str, Any]) -> Usage:
    inner = given.get("input_tokens_details") or {}
    return Usage(
        input=given.get("input_tokens") or 0,
        output=given.get("output_tokens") or 0,
        cache_read=inner.get("cached_tokens") or 0,
        cache_write=inner.get("cache_write_tokens") or 0,
        reasoning=(given.get("output_tokens_details") or {}).get("reasoning_tokens") or 0,
    )
