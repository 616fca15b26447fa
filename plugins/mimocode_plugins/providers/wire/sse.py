"""Server-sent events from bytes that arrive cut anywhere.

Source: WHATWG HTML, "Server-sent events", parsing an event stream. Everything stays bytes, so that a character cut
in two needs no care and JSON is decoded once, from the bytes that came.
"""

from __future__ import annotations

from typing import NamedTuple

LIMIT = 16 * 1024 * 1024
"""Bytes that one event may have."""


class Event(NamedTuple):
    """One event: its name ("" when it has none) and its data lines joined by line feeds."""

    name: str
    data: bytes


class TooLong(ValueError):
    """An event is longer than anything a model says."""


class Decoder:
    """Turns chunks into events. What is unfinished when the stream ends is no event (as the standard says)."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._line: list[bytes] = []
        self._pending = 0
        """Bytes of the unfinished line."""
        self._held = 0
        """Bytes of the data lines of the unfinished event."""
        self._after_return = False
        self._first = True
        self._name = ""
        self._data: list[bytes] = []

    @property
    def midway(self) -> bool:
        """Whether an event has begun and not ended."""
        return bool(self._line or self._data or self._name)

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that this chunk completes.

        Raises:
            TooLong: an event exceeds the limit.
        """
        if self._after_return and chunk:
            # the line feed of a CRLF that was cut in the middle
            self._after_return = False
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
        if not chunk:
            return []
        self._after_return = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = chunk.split(b"\n")
        events = []
        for line in lines:
            if self._line:
                line = b"".join((*self._line, line))
                self._line.clear()
                self._pending = 0
            if (event := self._take(line)) is not None:
                events.append(event)
        if rest:
            self._line.append(rest)
            self._pending += len(rest)
        if self._pending + self._held > self._limit:
            raise TooLong(f"an event is longer than {self._limit} bytes")
        return events

    def _take(self, line: bytes) -> Event | None:
        """One whole line: a field, a comment, or the end of an event."""
        if self._first:
            self._first = False
            line = line.removeprefix(b"\xef\xbb\xbf")
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._held += len(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> Event | None:
        event = Event(self._name, b"\n".join(self._data)) if self._data else None
        self._name, self._data, self._held = "", [], 0
        return event
