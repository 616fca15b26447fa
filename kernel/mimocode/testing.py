"""For tests, ours and yours: a model that reads its lines, a log in memory, and `play`.

async with play("hello", [ToolCall("1", "greet", {"name": "you"})], plugins=[my_plugin]) as session:
    await session.submit(Say("hi"))
    await session.settled()
    assert talk(session) == [...]
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from . import hookspecs as on
from .errors import ModelError, ModelFault, SessionBusy
from .events import AnyFact, ApprovalAsked, Approve, Entry, Event, Pulse, TextDelta
from .host import Host
from .messages import Message, Text, ToolCall, Usage
from .ports import Agent, Answer, Places, Prompt, SessionInfo, Setting, Store, Workspace
from .session import Session

Line = str | Message | Sequence[ToolCall] | Exception
"""What the model does at one step: say text, a whole message, call tools, or fail."""


class Script:
    """A model that plays its lines in order and keeps every prompt it was given in `seen`."""

    ref = "script/lines"
    window = 200_000

    def __init__(self, *lines: Line) -> None:
        self.lines, self.seen = list(lines), list[Prompt]()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Play the next line."""
        self.seen.append(prompt)
        if not self.lines:
            raise ModelError(ModelFault.NONSENSE, "the script has no more lines")
        line = self.lines.pop(0)
        if isinstance(line, Exception):
            raise line
        if not isinstance(line, Message):
            line = Message("assistant", (Text(line),) if isinstance(line, str) else tuple(line))
        for word in line.text.split(" "):
            yield TextDelta(word)
        yield Answer(line, Usage(input=len(prompt.messages), output=1), "calls" if line.calls else "stop")


class MemoryStore:
    """A log that forgets when the process ends; `facts` is the whole of it, by session."""

    def __init__(self) -> None:
        self.facts: dict[str, list[Entry]] = {}
        self._leased: set[str] = set()

    def append(self, session: str, fact: AnyFact) -> Entry:
        """Keep one fact."""
        entries = self.facts.setdefault(session, [])
        entries.append(Entry(session, len(entries) + 1, time.time(), fact))
        return entries[-1]

    def read(self, session: str, after: int = 0) -> Iterator[Entry]:
        """The facts after number `after`."""
        return iter(self.facts.get(session, [])[after:])

    def sessions(self, directory: str = "") -> list[SessionInfo]:
        """All sessions; titles are not looked up."""
        return [SessionInfo(id, directory, "", log[0].time, log[-1].time) for id, log in self.facts.items()]

    @contextmanager
    def lease(self, session: str) -> Iterator[None]:
        """One writer at a time."""
        if session in self._leased:
            raise SessionBusy(f"session {session} is open already")
        self._leased.add(session)
        try:
            yield
        finally:
            self._leased.discard(session)

    def delete(self, session: str) -> bool:
        """Forget a session."""
        return self.facts.pop(session, None) is not None

    def verify(self, session: str) -> int:
        """There is no chain to check."""
        return len(self.facts.get(session, []))

    def close(self) -> None:
        """Nothing to let go of."""


class Defaults(dict[str, Any]):
    """Settings that nobody has set."""

    def __init__(self, claims: Iterable[tuple[str, Setting]]) -> None:
        self.claims, self.ignored = {claim.name: claim for _, claim in claims}, list[str]()
        super().__init__((name, claim.default) for name, claim in self.claims.items())


class Stage:
    """A plugin with one scripted model, whatever its name, a log in memory, one agent, and an answer to approvals."""

    def __init__(self, model: Script, store: Store, agent: Agent | None, allow: bool | None) -> None:
        self.script, self.store, self.agent, self.allow = model, store, agent, allow

    @on.hookimpl
    def open_workspace(self, host: Host) -> Workspace:
        """The directory itself, and nobody's settings."""
        places = Places(*[host.directory] * 4)
        return Workspace(host.directory, places, lambda claims, trusted, lenient: Defaults(claims))

    @on.hookimpl
    def open_store(self) -> Store:
        """The log."""
        return self.store

    @on.hookimpl
    def open_model(self) -> Script:
        """The script."""
        return self.script

    @on.hookimpl
    def register_agents(self) -> list[Agent]:
        """The agent."""
        return [self.agent] if self.agent else []

    @on.hookimpl
    async def on_event(self, event: Event, session: Session) -> None:
        """Answer approvals."""
        if isinstance(event, ApprovalAsked) and self.allow is not None:
            await session.submit(Approve(event.call.id, self.allow))


@asynccontextmanager
async def play(
    *lines: Line,
    plugins: Iterable[Any] = (),
    directory: Path | None = None,
    allow: bool | None = True,
    store: Store | None = None,
    agent: Agent | None = None,
    session_id: str = "",
    **options: Any,
) -> AsyncIterator[Session]:
    """Open a session with a scripted model and only the plugins named.

    `allow` is how approvals are answered, None leaves them open; `host.options["complaints"]` collects what fails.
    """
    said: list[str] = []
    stage = Stage(Script(*lines), store or MemoryStore(), agent, allow)
    options = {"complaints": said, **options}
    host = Host([stage, *plugins], directory=directory, external=False, options=options, complain=said.append)
    async with host.open(session_id, agent=agent.name if agent else "", model=stage.script.ref) as session:
        yield session
    host.close()


def talk(session: Session) -> list[str]:
    """The conversation as a transcript: "user: hi", "assistant: greet(name='you')", "tool: hello"."""
    return [f"{message.role}: {_line(message)}" for message in session.state.messages]


def _line(message: Message) -> str:
    calls = [f"{c.name}({', '.join(f'{k}={v!r}' for k, v in c.arguments.items())})" for c in message.calls]
    return " ".join([message.text] * bool(message.text) + calls)
