"""Request bodies that only grow.

Within a window a request begins with the one before it. So what was serialised once is kept as bytes and appended
to: a step costs the encoding of its new messages and one copy of bytes, however long the conversation is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mimocode.messages import Message
from mimocode.ports import Prompt

KEPT = 8
"""Conversations that one model keeps serialised; the one not used for longest goes first."""


@dataclass
class _Thread:
    """The serialised messages of one window, each piece after a comma."""

    body: bytearray = field(default_factory=bytearray)
    last: int = 0
    """Where the last piece begins, after its comma."""
    count: int = 0
    first: Message | None = None
    latest: Message | None = None
    ids: set[str] = field(default_factory=set)
    prompt: Prompt | None = None
    head: bytes = b""

    def continues(self, messages: Sequence[Message]) -> bool:
        """Whether these messages begin with those that are serialised."""
        if not self.count:
            return True
        return self.count <= len(messages) and messages[self.count - 1] is self.latest and messages[0] is self.first


class Prefix:
    """Builds the bodies of the requests of one model.

    Args:
        head: everything before the messages, from `{` to the `[` of the list (and the messages that the wire wants
            in it, such as the system prompt). Asked again only when system, tools or options are others.
        encode: the JSON of some messages that follow each other, piece by piece. A run of tool results comes whole,
            because a request is only made when every call has its answer.
    """

    def __init__(self, head: Callable[[Prompt], bytes], encode: Callable[[Sequence[Message]], Iterable[bytes]]) -> None:
        self._head, self._encode = head, encode
        self._threads: dict[str, _Thread] = {}
        self.before: Message | None = None
        """While `encode` runs: the message that precedes those it gets."""

    def request(
        self, prompt: Prompt, tail: bytes = b"]}", last: Callable[[bytes], bytes] | None = None
    ) -> tuple[bytes, set[str]]:
        """The body of this request, and the ids of all tool calls in it.

        Args:
            tail: what closes the list and the object.
            last: rewrites the last piece for this request only (a cache mark that moves on, for example).
        """
        thread = self._thread(prompt)
        self._append(thread, prompt.messages)
        # the comma before the first piece is not wanted when the list is empty before it
        start = 1 if thread.body and thread.head.endswith(b"[") else 0
        with memoryview(thread.body) as view:
            if last is None or not thread.count or not thread.body:
                return b"".join((thread.head, view[start:], tail)), thread.ids
            marked = last(bytes(view[thread.last :]))
            return b"".join((thread.head, view[start : thread.last], marked, tail)), thread.ids

    def _thread(self, prompt: Prompt) -> _Thread:
        thread = self._threads.pop(prompt.session, None)
        if thread is None or not thread.continues(prompt.messages):
            thread = _Thread()
        before = thread.prompt
        if (
            before is None
            or before.system is not prompt.system
            or before.tools is not prompt.tools
            or before.options != prompt.options
        ):
            thread.head = self._head(prompt)
        # the messages themselves are not held: only the last one is needed, to know the thread again
        thread.prompt = Prompt(prompt.system, (), prompt.tools, prompt.session, prompt.options)
        self._threads[prompt.session] = thread
        while len(self._threads) > KEPT:
            del self._threads[next(iter(self._threads))]
        return thread

    def _append(self, thread: _Thread, messages: Sequence[Message]) -> None:
        new = [messages[index] for index in range(thread.count, len(messages))]
        if not new:
            return
        self.before = thread.latest
        pieces = list(self._encode(new))
        for piece in pieces:
            thread.body += b","
            thread.last = len(thread.body)
            thread.body += piece
        thread.ids.update(call.id for message in new for call in message.calls)
        thread.first = new[0] if thread.first is None else thread.first
        thread.latest, thread.count = new[-1], len(messages)
