"""What is said in a conversation, as values: messages, their blocks, and what a window opens with.

All are frozen. New fields come with defaults and none is ever renamed, so that old logs stay readable.
"""

# fmt: off
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

JSON: TypeAlias = Mapping[str, Any]
NO_JSON: JSON = {}

class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A frozen value that knows how to be JSON."""

class Text(Value, frozen=True, tag_field="kind", tag="text"):
    """Plain text."""
    text: str

class Reasoning(Value, frozen=True, tag_field="kind", tag="reasoning"):
    """What a model thought before it spoke.

    `data` is the provider's own (signatures, encrypted items) and goes back to it untouched.
    """
    text: str = ""
    data: JSON = NO_JSON

class Media(Value, frozen=True, tag_field="kind", tag="media"):
    """An image, a sound or a document: base64 `data` of type `mime`."""
    mime: str
    data: str
    name: str = ""

class ToolCall(Value, frozen=True, tag_field="kind", tag="call"):
    """A tool that the model wants to run. `malformed` holds arguments that were not a JSON object."""
    id: str
    name: str
    arguments: JSON = NO_JSON
    malformed: str = ""

Block: TypeAlias = Text | Reasoning | Media | ToolCall

class Message(Value, frozen=True):
    """One entry of the conversation, its blocks in the order in which they came."""
    role: Literal["user", "assistant", "tool"]
    content: tuple[Block, ...] = ()
    call_id: str = ""
    """For role "tool": which call this answers."""
    error: bool = False
    """For role "tool": the call failed."""
    origin: str = ""
    """Who put a user message here: empty for the user, else the plugin's name."""

    @property
    def text(self) -> str:
        """The text blocks as one string."""
        return "".join(block.text for block in self.content if isinstance(block, Text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(block for block in self.content if isinstance(block, ToolCall))

def user(text: str, *media: Media, origin: str = "") -> Message:
    """A user message."""
    return Message("user", (Text(text), *media), origin=origin)

def assistant(text: str = "", *calls: ToolCall) -> Message:
    """An assistant message."""
    return Message("assistant", ((Text(text),) if text else ()) + calls)

class Usage(Value, frozen=True):
    """Tokens of one model call. `input` counts the whole request; the cache fields are parts of it."""
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    """Part of `output`."""
    cost: float = 0.0
    """US dollars; 0 when the price is unknown."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(getattr(self, f) + getattr(other, f) for f in self.__struct_fields__))

class Part(Value, frozen=True):
    """A piece of the system prompt. Lower ranks come first and stay longer when room is short."""
    text: str
    rank: int = 50
    source: str = ""

class ToolSpec(Value, frozen=True):
    """What a model is told about a tool, and what guards are told by its author."""
    name: str
    description: str
    schema: JSON
    server: str = ""
    hints: JSON = NO_JSON
    """MCP annotations (`read_only_hint`, `destructive_hint`, ...)."""
    meta: JSON = NO_JSON
    """The tool's MCP `_meta`; key "mimocode" is ours (see plugins/README.md)."""

    @property
    def read_only(self) -> bool:
        """The author says that it changes nothing."""
        return bool(self.hints.get("read_only_hint"))
