"""What a front end of one conversation does with it: shown as text or as JSON lines."""

from __future__ import annotations

from typing import Protocol

from mimocode.events import Entry
from mimocode.messages import ToolCall

from .streams import Results


class View(Protocol):
    """Shows one session. Methods return at once and never fail because nobody reads."""

    results: Results

    def begin(self, session: str, agent: str, model: str) -> None:
        """A session was opened."""
        ...

    def show(self, entry: Entry) -> None:
        """Something happened in it."""
        ...

    def refused(self, call: ToolCall, why: str, advice: str) -> None:
        """A call was refused because nobody is there to approve it."""
        ...

    def error(self, message: str, name: str, now: int) -> None:
        """It could not begin; `now` is in milliseconds."""
        ...

    def finish(self, words: str, done: bool) -> None:
        """It is over; `words` are the last of the agent."""
        ...
