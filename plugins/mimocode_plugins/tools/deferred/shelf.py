"""Which tools wait, and which of them were found.

Within a window the list only grows at its end: what was told before is told again in the same order and bytes. (A
request that tells a new tool is not the continuation of the one before for the provider's cache: that is the price of
a search, paid once. So several tools come with one search.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from mimocode.events import Noted
from mimocode.messages import ToolSpec
from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.ports import Agent, Prompt
    from mimocode.session import Session

SEARCH = "tool_search"
"""The tool; also the name of our notes in the log and of our setting."""
MOST = 32
"""Tools that were found and are told; past that the ones found first are dropped."""
NAMES = 2000
"""Characters for the names of what waits."""
SHELF: StashKey[Shelf] = StashKey("tool_search.shelf")


def shelf(session: Session) -> Shelf:
    """That of a session."""
    made: Shelf = session.stash.setdefault(SHELF, Shelf(session))
    return made


class Shelf:
    """The tools of one session that wait."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tools: tuple[ToolSpec, ...] = ()
        self._waits: set[str] = set()
        """Which of `_tools` wait: settled once for a window, whatever agent comes later."""
        self._notes = -1
        self._shaped: tuple[ToolSpec, ...] = ()

    def shaped(self, prompt: Prompt) -> Prompt | None:
        """The prompt without what waits and with what was found; the same tuple as long as nothing is found."""
        if not any(tool.name == SEARCH for tool in prompt.tools):
            return None
        return replace(prompt, tools=self._told(prompt.tools))

    def waiting(self) -> list[ToolSpec]:
        """What can be found now: also what arrived since the window opened."""
        window = self._session.state.window
        if window is None:
            return []
        told = {tool.name for tool in self._told(window.tools)}
        return [tool for tool in self._session.toolbox.offered(self._session.agent) if tool.name not in told]

    async def load(self, tools: Sequence[ToolSpec]) -> None:
        """Tell these from the next request on, also after the session was opened again."""
        await self._session.emit(Noted(SEARCH, {"loaded": [msgspec.to_builtins(tool) for tool in tools]}))

    async def failed(self, call_id: str) -> None:
        """Tell a tool that waits and was called all the same."""
        window = self._session.state.window
        if window is None or not any(tool.name == SEARCH for tool in window.tools):
            return
        called = {call.id: call.name for message in self._session.state.messages[-40:] for call in message.calls}
        name = called.get(call_id)
        if tool := next((tool for tool in self.waiting() if tool.name == name), None):
            await self.load([tool])

    def _told(self, tools: tuple[ToolSpec, ...]) -> tuple[ToolSpec, ...]:
        notes = len(self._session.state.notes.get(SEARCH, ()))
        if self._tools is not tools:
            self._tools, self._notes = tools, -1
            self._waits = waits(tools, self._session.agent, *_wanted(self._session))
        if self._notes != notes:
            self._notes, self._shaped = notes, self._listed(tools, self._waits)
        return self._shaped

    def _listed(self, tools: tuple[ToolSpec, ...], waiting: set[str]) -> tuple[ToolSpec, ...]:
        loaded = self._loaded(tools, waiting)
        if not waiting and not loaded:
            return tuple(tool for tool in tools if tool.name != SEARCH)
        named = _names(tool for tool in tools if tool.name in waiting)
        told = [_with(tool, named) if tool.name == SEARCH else tool for tool in tools if tool.name not in waiting]
        return (*told, *loaded)

    def _loaded(self, tools: Sequence[ToolSpec], waiting: set[str]) -> list[ToolSpec]:
        """What was found and is not told anyway, as it was when it was found."""
        there = {tool.name for tool in tools} - waiting
        found: dict[str, ToolSpec] = {}
        for note in self._session.state.notes.get(SEARCH, ()):
            for tool in note.get("loaded", ()):
                if tool["name"] not in there:
                    found.setdefault(tool["name"], msgspec.convert(tool, ToolSpec))
        return list(found.values())[-MOST:]


def _wanted(session: Session) -> tuple[bool, int]:
    settings: Any = session.host.settings[SEARCH]
    return (settings.enabled, settings.budget) if hasattr(settings, "budget") else (True, 4000)


def waits(tools: Sequence[ToolSpec], agent: Agent, enabled: bool, budget: int) -> set[str]:
    """The names of those that are not told at once.

    Those of ours that say so, and whole servers of others, the largest first, until the rest takes no more than
    `budget` tokens. What an agent asks for by its very name does not wait.
    """
    if not enabled:
        return set()
    waiting = {tool.name for tool in tools if tool.meta.get("mimocode", {}).get("deferred")}
    servers: dict[str, list[ToolSpec]] = {}
    for tool in tools:
        if external(tool):
            servers.setdefault(tool.server, []).append(tool)
    cost = {name: sum(map(_tokens, theirs)) for name, theirs in servers.items()}
    spent = sum(cost.values())
    for name in sorted(servers, key=lambda name: (-cost[name], name)):
        if spent <= budget:
            break
        spent -= cost[name]
        waiting |= {tool.name for tool in servers[name]}
    return {name for name in waiting if agent.tools.get(name) is not True}


def external(tool: ToolSpec) -> bool:
    """Whether it is somebody else's."""
    return "remote_name" in tool.meta.get("mimocode", {})


def _tokens(tool: ToolSpec) -> int:
    """About: four characters each."""
    return (len(tool.name) + len(tool.description) + len(msgspec.json.encode(tool.schema))) // 4 + 8


def _with(tool: ToolSpec, named: str) -> ToolSpec:
    return ToolSpec(tool.name, f"{tool.description}\n{named}".strip(), tool.schema, tool.server, tool.hints, tool.meta)


def _names(tools: Iterable[ToolSpec]) -> str:
    """What waits, by name; of servers whose names are too many only how many there are."""
    ours: list[str] = []
    servers: dict[str, list[str]] = {}
    for tool in tools:
        (servers.setdefault(tool.server, []) if external(tool) else ours).append(tool.name)
    said, room = [f"Tools that wait: {', '.join(ours)}."] if ours else [], NAMES
    for server, names in servers.items():
        text = ", ".join(names)
        room -= len(text)
        said.append(f"Of {server}: {text if room >= 0 else f'{len(names)} tools'}.")
    return "\n".join(said)
