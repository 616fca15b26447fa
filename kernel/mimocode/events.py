"""Everything that can happen in a session, as values.

A fact is in the past tense, written to the log and folded into state. A pulse is shown and forgotten.
An operation is what a front end asks for.
"""

# fmt: off
from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec

from .messages import JSON, Block, Media, Message, Part, ToolCall, ToolSpec, Usage, Value


# Facts.
class Fact(Value, frozen=True, tag_field="type"):
    """Something that happened and is kept."""

class SessionStarted(Fact, frozen=True, tag="session.started"):
    """First fact of every log. `directory` is absolute; `parent` is set for children, `forked` for copies."""
    directory: str
    agent: str
    model: str = ""
    parent: str = ""
    forked: str = ""
    version: str = ""

class Titled(Fact, frozen=True, tag="session.titled"):
    """The session got a (new) title."""
    title: str

class AgentChosen(Fact, frozen=True, tag="agent.chosen"):
    """From here on this agent answers."""
    agent: str

class ModelChosen(Fact, frozen=True, tag="model.chosen"):
    """From here on this model is asked: "provider/model"."""
    model: str

class WindowOpened(Fact, frozen=True, tag="window.opened"):
    """A context window began: all that stays fixed in it, and the messages it begins with."""
    system: tuple[Part, ...]
    tools: tuple[ToolSpec, ...]
    messages: tuple[Message, ...] = ()
    reason: str = ""

class TurnStarted(Fact, frozen=True, tag="turn.started"):
    """The agent began to work."""

class MessageAdded(Fact, frozen=True, tag="message.added"):
    """The user or the model said something. Tool results are `CallFinished`."""
    message: Message
    usage: Usage | None = None
    finish: str = ""
    """For the model: "stop", "calls", "length" or "filtered"."""
    model: str = ""

class CallStarted(Fact, frozen=True, tag="call.started"):
    """A tool call passed the guards and is about to run."""
    call_id: str

class CallFinished(Fact, frozen=True, tag="call.finished"):
    """A tool call has its answer. `content` is for the model, `display` for the screen."""
    call_id: str
    content: tuple[Block, ...]
    error: bool = False
    display: JSON | None = None

class ApprovalAsked(Fact, frozen=True, tag="approval.asked"):
    """A guard wants the user's word before `call` runs. `offer` is what "always" would allow."""
    call: ToolCall
    reason: str
    offer: tuple[str, ...] = ()
    forced: bool = False

class ApprovalGiven(Fact, frozen=True, tag="approval.given"):
    """The user (or whoever speaks for the user) answered. `remember` is "", "session", "project" or "user"."""
    call_id: str
    allow: bool
    message: str = ""
    remember: str = ""

class TurnEnded(Fact, frozen=True, tag="turn.ended"):
    """The agent stopped. `detail` is a sentence for the user unless the reason is "done"."""
    reason: Literal["done", "interrupted", "failed", "limited"]
    detail: str = ""

class Rewound(Fact, frozen=True, tag="rewound"):
    """What came after fact number `to` no longer counts. It stays in the log."""
    to: int

class Noted(Fact, frozen=True, tag="noted"):
    """A plugin's own fact: the kernel keeps it and never reads it."""
    plugin: str
    data: JSON
    usage: Usage | None = None  # of a model call beside the conversation: it counts, but fills no window

AnyFact: TypeAlias = (
    SessionStarted | Titled | AgentChosen | ModelChosen | WindowOpened | TurnStarted | MessageAdded | CallStarted
    | CallFinished | ApprovalAsked | ApprovalGiven | TurnEnded | Rewound | Noted
)  # fmt: skip

# Pulses.
class Pulse(Value, frozen=True, tag_field="type"):
    """Something to show and forget."""

class TextDelta(Pulse, frozen=True, tag="text.delta"):
    """The model said this much more."""
    text: str

class ReasoningDelta(Pulse, frozen=True, tag="reasoning.delta"):
    """The model thought this much more."""
    text: str

class CallDelta(Pulse, frozen=True, tag="call.delta"):
    """The model is writing a tool call; `text` is more of its raw arguments."""
    call_id: str
    name: str
    text: str = ""

class ToolProgress(Pulse, frozen=True, tag="tool.progress"):
    """A running tool has something to show."""
    call_id: str
    text: str

class Retrying(Pulse, frozen=True, tag="retrying"):
    """A model call failed and is tried again after `wait` seconds. What it streamed so far is void."""
    attempt: int
    wait: float
    reason: str

class Notice(Pulse, frozen=True, tag="notice"):
    """A plugin or the kernel has something to tell the user."""
    source: str
    text: str
    level: Literal["info", "warning", "error"] = "info"

AnyPulse: TypeAlias = TextDelta | ReasoningDelta | CallDelta | ToolProgress | Retrying | Notice
Event: TypeAlias = Fact | Pulse

class Entry(Value, frozen=True):
    """An event with its place: which session, which fact number (0 for a pulse), when (Unix seconds)."""
    session: str
    seq: int
    time: float
    event: Event
    parent: str = ""

# Operations.
class Operation(Value, frozen=True, tag_field="type"):
    """What a front end asks of a session."""

class Say(Operation, frozen=True, tag="say"):
    """The user said this. While the agent works it joins at the next step."""
    text: str
    media: tuple[Media, ...] = ()
    origin: str = ""

class Approve(Operation, frozen=True, tag="approve"):
    """An answer to `ApprovalAsked`."""
    call_id: str
    allow: bool
    message: str = ""
    remember: str = ""

class Interrupt(Operation, frozen=True, tag="interrupt"):
    """Stop working, keep what is done."""

class ChooseAgent(Operation, frozen=True, tag="choose.agent"):
    """Let another agent answer from the next turn on."""
    agent: str

class ChooseModel(Operation, frozen=True, tag="choose.model"):
    """Ask another model from the next turn on."""
    model: str

class Retitle(Operation, frozen=True, tag="retitle"):
    """Give the session a title."""
    title: str

class Rewind(Operation, frozen=True, tag="rewind"):
    """Take back everything after fact number `to`."""
    to: int

AnyOperation: TypeAlias = Say | Approve | Interrupt | ChooseAgent | ChooseModel | Retitle | Rewind

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)

def encode(value: Value) -> bytes:
    """A value as JSON."""
    return _encoder.encode(value)

def decode(raw: bytes | str) -> AnyFact:
    """A fact from JSON.

    Raises:
        msgspec.ValidationError: this version does not know such a fact.
    """
    return _decoder.decode(raw)

def builtins(value: Value) -> dict[str, Any]:
    """A value as plain dictionaries and lists."""
    made: dict[str, Any] = msgspec.to_builtins(value)
    return made
