"""What the log adds up to. One pure function; nothing else may change a state."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar, overload

from . import events as ev
from .messages import JSON, Message, ToolCall, Usage

T = TypeVar("T")


class Grown(Sequence[T], Generic[T]):
    """An immutable sequence whose longer versions share its memory: appending costs the same at any length."""

    __slots__ = ("_items", "_size")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = list(items)
        self._size = len(self._items)

    def plus(self, *more: T) -> Grown[T]:
        """This sequence and `more`. Only the longest version grows in place; older ones copy."""
        grown: Grown[T] = Grown.__new__(Grown)
        grown._items = self._items if len(self._items) == self._size else self._items[: self._size]
        grown._items.extend(more)
        grown._size = self._size + len(more)
        return grown

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._items[i] for i in range(*index.indices(self._size))]
        if not -self._size <= index < self._size:
            raise IndexError(index)
        return self._items[index if index >= 0 else self._size + index]

    def __iter__(self) -> Iterator[T]:
        return (self._items[i] for i in range(self._size))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Grown) and self[:] == other[:]


@dataclass(frozen=True)
class State:
    """A session after some number of facts."""

    seq: int = 0
    """Number of the last fact."""
    started: ev.SessionStarted | None = None
    title: str = ""
    agent: str = ""
    model: str = ""
    window: ev.WindowOpened | None = None
    messages: Grown[Message] = field(default_factory=Grown)
    """What the window holds: the messages it opened with and all since."""
    open: tuple[ToolCall, ...] = ()
    """The calls of the last answer, until every one of them has a result."""
    results: Mapping[str, Message] = field(default_factory=dict)
    """Results of `open` so far; they join `messages` together, in the order of the calls."""
    running: frozenset[str] = frozenset()
    waiting: Mapping[str, ev.ApprovalAsked] = field(default_factory=dict)
    busy: bool = False
    finish: str = ""
    """How the last answer ended."""
    usage: Usage = Usage()
    """Of all model calls together. Rewinding does not give it back."""
    context: int = 0
    """Tokens of the last request and its answer, as the provider counted them."""
    notes: Mapping[str, Grown[JSON]] = field(default_factory=dict)
    turns: Grown[tuple[int, State]] = field(default_factory=Grown, compare=False, repr=False)
    """The state before each turn, by the number of its `TurnStarted`: where one can rewind to."""

    @property
    def unanswered(self) -> tuple[ToolCall, ...]:
        """Open calls without a result."""
        return tuple(call for call in self.open if call.id not in self.results)


def step(state: State, fact: ev.Fact, seq: int) -> State:
    """The state after one more fact, which has number `seq` in the log."""
    return replace(_step(state, fact, seq), seq=seq)


def _step(state: State, fact: ev.Fact, seq: int) -> State:
    match fact:
        case ev.MessageAdded():
            return _message(state, fact)
        case ev.CallStarted(call_id=call_id):
            return replace(state, running=state.running | {call_id})
        case ev.CallFinished():
            return _result(state, fact)
        case ev.TurnStarted():
            return replace(state, busy=True, turns=state.turns.plus((seq, state)))
        case ev.TurnEnded():
            return replace(state, busy=False, waiting={}, running=frozenset())
        case ev.WindowOpened(messages=messages):
            return replace(state, window=fact, messages=Grown(messages), context=0)
        case ev.ApprovalAsked(call=call):
            return replace(state, waiting={**state.waiting, call.id: fact})
        case ev.ApprovalGiven(call_id=call_id):
            return replace(state, waiting={k: v for k, v in state.waiting.items() if k != call_id})
        case ev.Noted(plugin=plugin, data=data, usage=usage):
            notes = {**state.notes, plugin: state.notes.get(plugin, Grown()).plus(data)}
            return replace(state, notes=notes, usage=state.usage + (usage or Usage()))
        case ev.Rewound(to=to):
            return _rewound(state, to)
        case ev.SessionStarted(agent=agent, model=model):
            return replace(state, started=fact, agent=agent, model=model)
        case ev.Titled(title=title):
            return replace(state, title=title)
        case ev.AgentChosen(agent=agent):
            return replace(state, agent=agent)
        case ev.ModelChosen(model=model):
            return replace(state, model=model)
        case _:
            return state


def _message(state: State, fact: ev.MessageAdded) -> State:
    message, usage = fact.message, fact.usage or Usage()
    state = replace(state, messages=state.messages.plus(message), usage=state.usage + usage)
    if message.role != "assistant":
        return state
    context = usage.input + usage.output or state.context
    return replace(state, open=message.calls, results={}, finish=fact.finish, context=context)


def _result(state: State, fact: ev.CallFinished) -> State:
    results = {**state.results, fact.call_id: Message("tool", fact.content, fact.call_id, fact.error)}
    state = replace(state, running=state.running - {fact.call_id}, results=results)
    if any(call.id not in results for call in state.open):
        return state
    answers = [results[call.id] for call in state.open]
    return replace(state, messages=state.messages.plus(*answers), open=(), results={})


def _rewound(state: State, to: int) -> State:
    """Back to before the first turn that began after `to`."""
    for number, (seq, before) in enumerate(state.turns):
        if seq > to:
            return replace(before, usage=state.usage, turns=Grown(state.turns[:number]))
    return state


def replay(entries: Iterable[ev.Entry]) -> State:
    """The state that a log adds up to."""
    state = State()
    for entry in entries:
        if isinstance(entry.event, ev.AnyFact):
            state = step(state, entry.event, entry.seq)
    return state
