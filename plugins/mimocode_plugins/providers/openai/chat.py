"""Chat Completions: from prompts to bodies, from events to an answer.

Source: OpenAI API reference, "Create chat completion" and its streaming chunks, plus what compatible servers do
differently (see `profile` for the deliberate differences; the rest is tolerance in `_Reading`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal

import msgspec

from mimocode.errors import ModelFault
from mimocode.events import Pulse, ReasoningDelta, TextDelta
from mimocode.messages import Block, Media, Message, Reasoning, Text, ToolCall, Usage
from mimocode.ports import Answer, Prompt

from ..wire.calls import Assembler, written
from ..wire.config import Target, costed
from ..wire.faults import Asked
from ..wire.http import Line, decoded, drained
from ..wire.prefix import Prefix
from ..wire.schemas import plain
from .profile import FIELDS, Profile, effort, headers, kind_of, output_limit, profile_of, reads, sampling, unreadable

_json = msgspec.json.Encoder().encode
Finish = Literal["stop", "calls", "length", "filtered"]
_FINISH: Mapping[str, Finish] = {
    "stop": "stop",
    "end_turn": "stop",
    "tool_calls": "calls",
    "function_call": "calls",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "filtered",
}


class ChatModel:
    """One model behind a Chat Completions endpoint. `close` lets go of idle connections."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._profile = profile_of(target)
        self._line = Line(target.asked, headers(target), target.timeouts)
        self._prefix = Prefix(self._head, lambda new: encoded(new, target, self._profile, self._prefix.before))

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
        reading = _Reading(self._target, self._profile, Assembler(taken))
        async with aclosing(self._line.stream(body)) as events:
            async for event in events:
                if event.data.strip() == b"[DONE]":
                    reading.done = True
                    await drained(events)
                    break
                for pulse in reading.take(decoded(event, self._target.asked)):
                    yield pulse
        if not reading.complete:
            raise self._line.cut()
        yield reading.answer()

    async def close(self) -> None:
        """Let go of idle connections."""
        await self._line.close()

    def _head(self, prompt: Prompt) -> bytes:
        """Everything before the messages; the messages come last so that bodies grow at their end."""
        target, profile = self._target, self._profile
        head: dict[str, Any] = {
            "model": target.model.wire_id,
            "stream": True,
            "stream_options": {"include_usage": True},
            **sampling(target, profile, prompt.options),
            **effort(target, profile, prompt.options),
        }
        if limit := output_limit(target, prompt.options):
            head[profile.limit] = limit
        if profile.cache_key and prompt.session:
            head["prompt_cache_key"] = prompt.session.partition("/")[0]  # of "<parent>/<child>": one cache
        if profile.cache_mark:
            head["cache_control"] = {"type": "ephemeral"}
        head |= target.body
        shorten = profile.plain_schemas
        if prompt.tools:
            head["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": {"type": "object", **(plain(tool.schema) if shorten else tool.schema)},
                    },
                }
                for tool in prompt.tools
            ]
        system = "\n\n".join(part.text for part in prompt.system if part.text)
        first = _json({"role": "system", "content": system}) if system else b""
        return _json(head)[:-1] + b',"messages":[' + first


def encoded(
    messages: Sequence[Message], target: Target, profile: Profile, before: Message | None = None
) -> Iterator[bytes]:
    """Messages as they go over the wire. Media of tool results follow the results in a user message.

    Args:
        before: the message that was sent right before them.
    """
    left: list[dict[str, Any]] = []
    role = before.role if before else ""
    for message in messages:
        if message.role != "tool" and left:
            yield from _pictures(left, profile)
            left, role = [], "user"
        if profile.bridged and role == "tool" and message.role == "user":
            yield _BRIDGE
        role = message.role
        if message.role == "assistant":
            yield _json(_assistant(message, target, profile))
        elif message.role == "user":
            yield _json({"role": "user", "content": _content(message.content, target)})
        else:
            media = [block for block in message.content if isinstance(block, Media)]
            readable = [block for block in media if reads(target.model, kind_of(block.mime))]
            notes = [unreadable(m.name, kind_of(m.mime)) for m in media if m not in readable]
            text = "\n".join(filter(None, (message.text, *notes)))
            yield _json({"role": "tool", "tool_call_id": _id(message.call_id, profile), "content": text})
            left += [_media(block) for block in readable]
    if left:
        yield from _pictures(left, profile)


_BRIDGE = _json({"role": "assistant", "content": "I have the results."})


def _pictures(parts: list[dict[str, Any]], profile: Profile) -> Iterator[bytes]:
    if profile.bridged:
        yield _BRIDGE
    note = {"type": "text", "text": "What the tools returned besides text:"}
    yield _json({"role": "user", "content": [note, *parts]})


def _id(call: str, profile: Profile) -> str:
    """The id of a call as the provider takes it: the same for the same, another for another."""
    if not profile.short_ids or re.fullmatch(r"[a-zA-Z0-9]{9}", call):
        return call
    return hashlib.sha256(call.encode()).hexdigest()[:9]


def _content(blocks: Sequence[Block], target: Target) -> str | list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    for block in blocks:
        if isinstance(block, Text) and block.text:
            parts.append({"type": "text", "text": block.text})
        elif isinstance(block, Media):
            kind = kind_of(block.mime)
            note = {"type": "text", "text": unreadable(block.name, kind)}
            parts.append(_media(block) if reads(target.model, kind) else note)
    if all(part["type"] == "text" for part in parts):
        return "\n\n".join(part["text"] for part in parts)
    return parts


def _media(block: Media) -> dict[str, Any]:
    url = f"data:{block.mime};base64,{block.data}"
    match kind_of(block.mime):
        case "image":
            return {"type": "image_url", "image_url": {"url": url}}
        case "audio":
            return {
                "type": "input_audio",
                "input_audio": {"data": block.data, "format": block.mime.partition("/")[2].removeprefix("x-")},
            }
        case "video":
            return {"type": "video_url", "video_url": {"url": url}}
    return {"type": "file", "file": {"filename": block.name or "file", "file_data": url}}


def _assistant(message: Message, target: Target, profile: Profile) -> dict[str, Any]:
    calls = message.calls
    made: dict[str, Any] = {"role": "assistant", "content": message.text or (None if calls else "")}
    thoughts = [block for block in message.content if isinstance(block, Reasoning)]
    if profile.echo == "always" or (profile.echo == "tool_turns" and calls):
        thought = "".join(block.text for block in thoughts)
        if thought or (calls and profile.always_present):
            made[profile.field] = thought
    extras: dict[str, Any] = {}
    for block in thoughts:
        if block.data.get("ref") != target.ref:
            # another provider's: it would be refused, or mean something else
            continue
        if profile.details and block.data.get("details"):
            made["reasoning_details"] = block.data["details"]
        extras |= block.data.get("calls", {})
    if calls:
        made["tool_calls"] = [_call(call, _id(call.id, profile), extras.get(call.id)) for call in calls]
    return made


def _call(call: ToolCall, id: str, extra: Any) -> dict[str, Any]:
    made = {"id": id, "type": "function", "function": {"name": call.name or "unnamed", "arguments": written(call)}}
    return made | ({"extra_content": extra} if extra else {})


class _Reading:
    """An answer while it comes in."""

    def __init__(self, target: Target, profile: Profile, calls: Assembler) -> None:
        self._target, self._profile, self._calls = target, profile, calls
        self._asked: Asked = target.asked
        self._text: list[str] = []
        self._thought: list[str] = []
        self._details: list[dict[str, Any]] = []
        self._extras: dict[str, Any] = {}
        self._usage: Mapping[str, Any] = {}
        self._finish = ""
        self.done = False
        """The end marker came."""

    @property
    def complete(self) -> bool:
        """The provider said that it has finished, in one way or the other."""
        return self.done or bool(self._finish)

    def take(self, chunk: dict[str, Any]) -> Iterator[Pulse]:
        """What one chunk adds."""
        self._usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or self._usage
        for choice in (chunk.get("choices") or ())[:1]:
            self._usage = choice.get("usage") or self._usage
            delta = choice.get("delta") or choice.get("message") or {}
            yield from self._thinking(delta)
            yield from self._saying(delta.get("content") or delta.get("refusal"))
            for piece in delta.get("tool_calls") or ():
                yield self._calling(piece)
            if finish := choice.get("finish_reason"):
                self._finish = str(finish)
        if self._finish == "error":
            sentence = f"{self._asked.provider} stopped the answer with an error"
            raise self._asked.error(ModelFault.SERVER, sentence)

    def answer(self) -> Answer:
        """All of it."""
        calls = self._calls.finished()
        blocks: list[Block] = []
        thought, details = "".join(self._thought), _merged(self._details)
        data = {"details": details} if details else {}
        if self._extras:
            data["calls"] = self._extras  # type: ignore[assignment]
        if thought or data:
            blocks.append(Reasoning(thought, {"ref": self._target.ref, **data} if data else {}))
        if text := "".join(self._text):
            blocks.append(Text(text))
        finish = _FINISH.get(self._finish, "stop")
        if calls and finish == "stop":
            # several servers end tool calls with "stop"
            finish = "calls"
        elif not calls and finish == "calls":
            finish = "stop"
        usage = costed(_usage(self._usage), self._target.model.info(self._target.ref))
        return Answer(Message("assistant", (*blocks, *calls)), usage, finish)

    def _thinking(self, delta: Mapping[str, Any]) -> Iterator[Pulse]:
        for name in FIELDS:
            if isinstance(text := delta.get(name), str) and text:
                self._thought.append(text)
                yield ReasoningDelta(text)
                break
        if isinstance(details := delta.get("reasoning_details"), list):
            self._details += [detail for detail in details if isinstance(detail, dict)]

    def _saying(self, content: Any) -> Iterator[Pulse]:
        if isinstance(content, str):
            if content:
                self._text.append(content)
                yield TextDelta(content)
            return
        for part in content if isinstance(content, list) else ():
            # Mistral sends parts, its reasoning nested in "thinking"
            if part.get("type") == "thinking":
                for inner in part.get("thinking") or ():
                    self._thought.append(str(inner.get("text", "")))
                    yield ReasoningDelta(str(inner.get("text", "")))
            elif isinstance(part.get("text"), str):
                yield from self._saying(part["text"])

    def _calling(self, piece: Mapping[str, Any]) -> Pulse:
        function = piece.get("function") or {}
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            # Ollama and others send the object itself
            arguments = _json(arguments).decode() if arguments else ""
        delta = self._calls.add(piece.get("index"), piece.get("id") or "", function.get("name") or "", arguments)
        if extra := piece.get("extra_content"):
            self._extras[delta.call_id] = extra
        return delta


def _merged(details: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pieces of OpenRouter's `reasoning_details` put together: same place and type, texts joined."""
    merged: dict[tuple[Any, Any], dict[str, Any]] = {}
    for detail in details:
        kept = merged.setdefault((detail.get("index"), detail.get("type")), {})
        for key, value in detail.items():
            if key in ("text", "summary", "data") and isinstance(value, str):
                kept[key] = kept.get(key, "") + value
            elif value is not None:
                kept[key] = value
    return list(merged.values())


def _usage(given: Mapping[str, Any]) -> Usage:
    inner = given.get("prompt_tokens_details") or {}
    outer = given.get("completion_tokens_details") or {}
    return Usage(
        input=given.get("prompt_tokens") or 0,
        output=given.get("completion_tokens") or 0,
        cache_read=inner.get("cached_tokens")
        or given.get("cached_tokens")
        or given.get("prompt_cache_hit_tokens")
        or 0,
        cache_write=inner.get("cache_write_tokens") or 0,
        reasoning=outer.get("reasoning_tokens") or 0,
    )
