"""A small model under a name of its own, for work in the background, and a home in which it is set."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from mimocode import hookimpl
from mimocode.events import Event
from mimocode.messages import Usage, assistant
from mimocode.ports import Answer, Prompt

PATIENCE = 60
"""Seconds until a test gives up; it takes milliseconds."""


class Small:
    """Answers every question alike, or by a function of the prompt; `None` lets it think for ever.

    It keeps what it was asked, and as a plugin what happened.
    """

    ref, window = "acme/small", 100_000
    usage = Usage(input=70, output=5, cost=0.01)

    def __init__(self, answer: str | Exception | Callable[[Prompt], str] | None = "ok") -> None:
        self.answer, self.seen, self.happened = answer, list[Prompt](), list[Event]()
        self.asked, self.cancelled, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Any]:
        """One answer."""
        self.seen.append(prompt)
        self.asked.set()
        if self.answer is None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if isinstance(self.answer, Exception):
            raise self.answer
        yield Answer(assistant(self.answer(prompt) if callable(self.answer) else str(self.answer)), self.usage)

    @hookimpl
    async def open_model(self, ref: str) -> Any:
        """Itself, under its name."""
        return self if ref == self.ref else None

    @hookimpl
    async def on_event(self, event: Event) -> None:
        """Keep it, and wake who waits."""
        self.happened.append(event)
        self._news.set()

    async def until(self, wanted: Callable[[Event], bool]) -> Event:
        """The first event of that kind, whenever it comes."""
        async with asyncio.timeout(PATIENCE):
            while (found := next(filter(wanted, self.happened), None)) is None:
                self._news.clear()
                await self._news.wait()
        return found


def home_of(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Path:
    """A home with a project `project` beside nothing else, where these settings are the user's."""
    for name in list(os.environ):
        if name.startswith(("MIMOCODE_", "XDG_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    (folder / "project").mkdir(parents=True)
    wish(folder, **settings)
    return folder


def wish(home: Path, **settings: Any) -> None:
    """The user's settings."""
    path = home / ".config/mimocode/mimocode.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings))
