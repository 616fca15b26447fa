"""Events in, finished items out, and what is going on right now in between. No clock, no terminal, no session.

`Feed.see` is deterministic: the same entries give the same items and the same present, so a resumed session looks as
it did when it happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mimocode import events as ev
from mimocode.events import Entry
from mimocode.messages import Media, Message, Reasoning, ToolCall

from ..shown.markdown import Splitter
from ..shown.words import aside
from .items import Called, Ended, Item, Prose, Said, Thought, Told

FINISHING = "Finishing"
LIVE_TAIL = 4000
"""Characters of a tool's output or a thought that are kept while it runs."""


@dataclass
class Running:
    """A tool call between its start and its answer."""

    call: ToolCall
    since: float
    tail: str = ""


@dataclass
class Child:
    """Another session of the same host that works: a subagent."""

    since: float
    doing: str = ""


@dataclass
class Present:
    """What the live region shows besides the prompt. Times are Unix seconds of the events."""

    busy: bool = False
    since: float = 0.0
    thinking: str = ""
    writing: str = ""
    """The tool whose call is being written, and how far."""
    closing: str = ""
    """What goes on after the model's last word, until the turn ends or it is asked again."""
    calls: dict[str, Running] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    retry: ev.Retrying | None = None
    retry_at: float = 0.0
    queued: list[str] = field(default_factory=list)
    """What the user said that has not joined the conversation."""


class Feed:
    """The events of one session, its children aside, as items."""

    def __init__(self, session: str = "") -> None:
        self.session = session
        self.now = Present()
        self.answer = Splitter()
        self.last_turn: list[Called] = []
        """The finished calls of the turn that runs or ran last, for /details."""
        self._calls: dict[str, ToolCall] = {}
        self.rate = 0.0
        """Tokens per second of the last answer."""
        self._began = 0.0
        self._streamed = self._thought = self._cut = ""

    def see(self, entry: Entry) -> list[Item]:
        """The items that an event finishes."""
        if entry.session != self.session:
            self._child(entry)
            return []
        if not isinstance(entry.event, ev.Retrying | ev.Notice):
            self.now.retry = None
        if isinstance(entry.event, ev.TextDelta | ev.ReasoningDelta | ev.CallDelta):
            self.now.closing = ""
            self._began = self._began or entry.time
        if isinstance(entry.event, ev.Pulse):
            return self._pulse(entry)
        if isinstance(entry.event, ev.MessageAdded) and entry.event.message.role == "assistant":
            took, self._began = entry.time - self._began if self._began else 0.0, 0.0
            if entry.event.usage and took > 0.5:
                self.rate = entry.event.usage.output / took
        return self._fact(entry)

    def queue(self, text: str) -> None:
        """The user said something while the agent works."""
        self.now.queued.append(text)

    def unqueue(self) -> list[str]:
        """Take back what has not joined: the turn ended before it could."""
        back, self.now.queued = self.now.queued, []
        return back

    # -- pulses -----------------------------------------------------------------

    def _pulse(self, entry: Entry) -> list[Item]:
        match entry.event:
            case ev.TextDelta(text=text):
                self._streamed += text
                return [*self._think_out(), *map(Prose, self.answer.feed(text))]
            case ev.ReasoningDelta(text=text):
                self._thought += text
                self.now.thinking = (self.now.thinking + text)[-LIVE_TAIL:]
            case ev.CallDelta(name=name, text=text):
                before = self.now.writing.rpartition(" ")
                size = (int(before[2]) if before[0] == name else 0) + len(text)
                self.now.writing = f"{name} {size}"
            case ev.ToolProgress(call_id=call_id, text=text) if call_id in self.now.calls:
                running = self.now.calls[call_id]
                running.tail = (running.tail + "\n" + text)[-LIVE_TAIL:]
            case ev.Retrying():
                return self._retrying(entry.event, entry.time)
            case ev.Notice(source=source, text=text, level=level):
                self.now.closing = f"{source}: {text}" if self.now.closing else ""
                return [Told(text, level, source)]
        return []

    def _retrying(self, event: ev.Retrying, time: float) -> list[Item]:
        void = " What it said above is void." if self._streamed else ""
        items: list[Item] = [*self._close_answer(), Told(f"{event.reason.rstrip('.')}.{void}", "warning")]
        self._streamed = self._thought = self.now.thinking = self.now.writing = ""
        self.now.retry, self.now.retry_at = event, time + event.wait
        return items

    # -- facts ------------------------------------------------------------------

    def _fact(self, entry: Entry) -> list[Item]:
        match entry.event:
            case ev.TurnStarted():
                self._cut = ""
                self.now.busy, self.now.since = True, entry.time
                self.last_turn = []
            case ev.MessageAdded(message=message):
                return self._message(message)
            case ev.CallStarted(call_id=call_id) if call_id in self._calls:
                self.now.calls[call_id] = Running(self._calls[call_id], entry.time)
            case ev.CallFinished(call_id=call_id) if call_id in self._calls:
                return self._called(entry.event, entry.time)
            case ev.WindowOpened(reason=reason, messages=messages) if messages:
                return [Told(f"A new context window: {reason}")]
            case ev.AgentChosen(agent=agent):
                return [Told(f"Agent: {agent}")]
            case ev.ModelChosen(model=model):
                return [Told(f"Model: {model}")]
            case ev.Titled(title=title):
                return [Told(f"Title: {title}")]
            case ev.Rewound():
                return [Told("Taken back: what was said since then no longer counts.")]
            case ev.TurnEnded(reason=reason, detail=detail):
                items = self._close_answer()
                self._end()
                return [*items, Ended(reason, detail)]
        return []

    def _message(self, message: Message) -> list[Item]:
        if message.role == "user":
            return self._said(message)
        if self._cut and not self._streamed and message.text.startswith(self._cut):
            self._cut = ""  # what was cut off was kept afterwards; it stands on the screen already
            return []
        items: list[Item] = []
        thoughts = "".join(block.text for block in message.content if isinstance(block, Reasoning))
        if not self._streamed:
            self._thought = thoughts or self._thought
        items += self._think_out()
        if message.text.startswith(self._streamed):
            items += map(Prose, self.answer.feed(message.text[len(self._streamed) :]))
        items += self._close_answer()
        self._calls = {call.id: call for call in message.calls}
        self._streamed = self.now.writing = ""
        self.now.closing = "" if message.calls else FINISHING
        return items

    def _said(self, message: Message) -> list[Item]:
        self.now.closing = ""
        if message.origin:
            who, what = aside(message.origin, message.text)
            return [Told(what, "info", who)] if who != "agent" else []  # that it was chosen stands there already
        if self.now.queued:
            self.now.queued.pop(0)
        media = tuple(block.name or block.mime for block in message.content if isinstance(block, Media))
        return [Said(message.text, media)]

    def _called(self, event: ev.CallFinished, time: float) -> list[Item]:
        call = self._calls.pop(event.call_id)
        running = self.now.calls.pop(event.call_id, None)
        called = Called(call, event, time - running.since if running else 0.0)
        self.last_turn.append(called)
        return [called]

    def _think_out(self) -> list[Item]:
        thought, self._thought, self.now.thinking = self._thought, "", ""
        return [Thought(thought)] if thought.strip() else []

    def _close_answer(self) -> list[Item]:
        items: list[Item] = [*self._think_out(), *map(Prose, self.answer.finish())]
        self.answer = Splitter()
        return items

    def _end(self) -> None:
        self._calls, self._streamed, self._cut = {}, "", self._streamed
        self.now = Present(queued=self.now.queued, children=self.now.children)

    # -- children ---------------------------------------------------------------

    def _child(self, entry: Entry) -> None:
        """Children are counted and named by what they do; their words are their parent's tool result."""
        match entry.event:
            case ev.TurnStarted():
                self.now.children[entry.session] = Child(entry.time)
            case ev.TurnEnded():
                self.now.children.pop(entry.session, None)
            case ev.MessageAdded(message=message) if entry.session in self.now.children and message.calls:
                self.now.children[entry.session].doing = ", ".join(call.name for call in message.calls)
