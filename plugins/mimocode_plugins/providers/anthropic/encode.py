"""Prompts as Messages API requests, kept as bytes that only grow.

A conversation is serialised once and appended to, block by block, because the API wants turns that alternate: tool
results and whatever the user says after them are one message. The last message stays open (its `]}` is added to each
request), so that a later block still finds its place. Cache breakpoints are put in while a request is joined; they
never are in the kept bytes, so moving one changes no other byte.

Source: Messages API reference; prompt caching (at most four breakpoints, order tools, system, messages); extended
thinking (blocks go back unchanged and in order).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mimocode.messages import Block, Media, Message, Reasoning, Text, ToolCall
from mimocode.ports import Prompt

from ..wire.calls import written
from ..wire.prefix import KEPT

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MEDIA = ("image", "pdf")
_WRONG = re.compile(r"[^a-zA-Z0-9_-]")
_encode = msgspec.json.Encoder().encode


def plain(name: str, limit: int = 128) -> str:
    """A name or id in the characters that the API allows, the same one for the same name, different for different.

    Ids from another provider's part of the conversation may hold dots and colons.
    """
    clean = _WRONG.sub("_", name)[:limit]
    if clean == name and name:
        return name
    return f"{clean[: limit - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _media(block: Media, reads: Collection[str]) -> dict[str, Any]:
    source = {"type": "base64", "media_type": block.mime, "data": block.data}
    if block.mime in IMAGES and "image" in reads:
        return {"type": "image", "source": source}
    if block.mime == "application/pdf" and "pdf" in reads:
        return {"type": "document", "source": source}
    return {"type": "text", "text": f"[{block.name or 'a file'} of type {block.mime} cannot be shown to this model]"}


def _shown(content: Sequence[Block], reads: Collection[str]) -> list[dict[str, Any]]:
    """Text and media; text that is only blank is refused by the API and says nothing."""
    made = []
    for block in content:
        if isinstance(block, Text) and block.text.strip():
            made.append({"type": "text", "text": block.text})
        elif isinstance(block, Media):
            made.append(_media(block, reads))
    return made


def _result(message: Message, reads: Collection[str]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "tool_result", "tool_use_id": plain(message.call_id)}
    if content := _shown(message.content, reads):
        made["content"] = content
    if message.error:
        made["is_error"] = True
    return made


def _call(block: ToolCall) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": plain(block.id),
        "name": plain(block.name),
        "input": msgspec.Raw(written(block).encode()),
    }


def _said(message: Message, provider: str, reads: Collection[str]) -> list[dict[str, Any]]:
    """An assistant's blocks in their order. Thoughts of other providers and thoughts alone cannot be sent."""
    made: list[dict[str, Any]] = []
    for block in message.content:
        if isinstance(block, Reasoning):
            if block.data.get("provider") == provider and isinstance(block.data.get("block"), Mapping):
                made.append(dict(block.data["block"]))
        elif isinstance(block, ToolCall):
            made.append(_call(block))
        else:
            made += _shown((block,), reads)
    return made if any("thinking" not in block["type"] for block in made) else []


@dataclass
class _Thread:
    """The messages of one window as bytes, the last one without its end."""

    body: bytearray = field(default_factory=bytearray)
    role: str = ""
    marks: list[int] = field(default_factory=list)
    """Where the last blocks of the latest two user turns may get their breakpoint: before their closing brace."""
    count: int = 0
    first: Message | None = None
    latest: Message | None = None
    ids: set[str] = field(default_factory=set)
    head: bytes = b""
    key: tuple[object, ...] = ()

    def continues(self, messages: Sequence[Message]) -> bool:
        """Whether these messages begin with those that are serialised."""
        if not self.count:
            return True
        return self.count <= len(messages) and messages[self.count - 1] is self.latest and messages[0] is self.first

    def add(self, role: str, block: Mapping[str, Any]) -> None:
        """Append one block, opening a message when the role changes."""
        if self.role == role:
            self.body += b","
        else:
            if not self.role and role == "assistant":
                self.add("user", {"type": "text", "text": "(the beginning of the conversation is left out)"})
            if self.role:
                self.body += b"]},"
            self.body += b'{"role":"%s","content":[' % role.encode()
            if role == "user":
                self.marks = [*self.marks[-1:], 0]
            self.role = role
        self.body += _encode(block)
        if role == "user":
            self.marks[-1] = len(self.body) - 1

    def joined(self, mark: bytes, tail: bytes) -> bytes:
        """The whole request, with breakpoints."""
        pieces: list[bytes | memoryview] = [self.head]
        with memoryview(self.body) as view:
            at = 0
            for place in self.marks if mark else ():
                pieces += [view[at:place], mark]
                at = place
            pieces += [view[at:], b"]}" if self.role else b"", tail]
            made = b"".join(pieces)
            del pieces
        return made


class Encoder:
    """Builds the requests of one model.

    Args:
        provider: whose thoughts may go back.
        reads: what the model reads besides text; other media are named in words.
        ttl: how long the provider's cache should keep the prefix: "5m", "1h" or "" for no breakpoints at all.
    """

    def __init__(self, provider: str, ttl: str = "5m", reads: Collection[str] = MEDIA) -> None:
        self._provider, self._reads = provider, reads
        control = {"type": "ephemeral"} | ({"ttl": ttl} if ttl not in {"", "5m"} else {})
        self._mark = b',"cache_control":' + _encode(control) if ttl else b""
        self._threads: dict[str, _Thread] = {}

    def request(self, prompt: Prompt, fields: Mapping[str, Any]) -> tuple[bytes, set[str]]:
        """The body of a request, and the ids of all tool calls in it.

        Args:
            fields: what comes from options: model, max_tokens, thinking and so on.
        """
        thread = self._threads.pop(prompt.session, None)
        if thread is None or not thread.continues(prompt.messages):
            thread = _Thread()
        key = (prompt.system, prompt.tools, fields)
        if not thread.key or thread.key[0] is not key[0] or thread.key[1] is not key[1] or thread.key[2] != fields:
            thread.head, thread.key = self._head(prompt, fields), key
        self._threads[prompt.session] = thread
        while len(self._threads) > KEPT:
            del self._threads[next(iter(self._threads))]
        for index in range(thread.count, len(prompt.messages)):
            message = prompt.messages[index]
            for role, block in self._blocks(message):
                thread.add(role, block)
            thread.ids.update(call.id for call in message.calls)
            thread.first = message if thread.first is None else thread.first
            thread.latest, thread.count = message, index + 1
        return thread.joined(self._mark, b"]}"), thread.ids

    def _blocks(self, message: Message) -> Iterator[tuple[str, dict[str, Any]]]:
        if message.role == "assistant":
            yield from (("assistant", block) for block in _said(message, self._provider, self._reads))
        elif message.role == "tool":
            yield "user", _result(message, self._reads)
        else:
            shown = _shown(message.content, self._reads) or [{"type": "text", "text": "(empty message)"}]
            yield from (("user", block) for block in shown)

    def _head(self, prompt: Prompt, fields: Mapping[str, Any]) -> bytes:
        """Everything before the messages, in the order in which the provider's cache reads it."""
        pieces = [b"{", _encode(fields)[1:-1]]
        if prompt.tools:
            tools = [
                _encode({"name": tool.name, "description": tool.description, "input_schema": _schema(tool.schema)})
                for tool in prompt.tools
            ]
            pieces += [b',"tools":[', self._marked(tools), b"]"]
        if system := [_encode({"type": "text", "text": p.text}) for p in prompt.system if p.text.strip()]:
            pieces += [b',"system":[', self._marked(system), b"]"]
        pieces.append(b',"messages":[')
        return b"".join(pieces)

    def _marked(self, blocks: list[bytes]) -> bytes:
        """Blocks with a breakpoint at the last one."""
        return b",".join(blocks)[:-1] + self._mark + b"}"


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The API insists on an object."""
    return {"type": "object"} | dict(schema)
