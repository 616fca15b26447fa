"""One workspace: its plugins, its settings, its sessions. No globals: two hosts never meet."""

from __future__ import annotations

import asyncio
import difflib
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from . import __version__
from . import hookspecs as on
from .errors import ModelError, ModelFault, SettingsError, StoreError, UsageError
from .events import AgentChosen, Entry, ModelChosen, SessionStarted, Titled
from .plugins import Plugins
from .ports import Agent, Command, Model, ModelInfo, Places, Settings, StashKey, Store, Workspace
from .session import Session, opened
from .state import replay


class Host:
    """One workspace.

    Args:
        plugins: loaded ones, or what to register: dotted names or objects. Default: the built-ins.
        directory: the workspace; default: the current directory.
        external: also load the plugins that installed distributions offer.
        options: what the front end wants for this run ("max_steps", "yolo", ...).
        complain: gets one line about every plugin that fails.
    """

    def __init__(
        self,
        plugins: Plugins | Iterable[Any] | None = None,
        *,
        directory: Path | None = None,
        external: bool = True,
        environ: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        trusted: bool = False,
        complain: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.environ = os.environ if environ is None else environ
        self.directory = (directory or Path.cwd()).resolve()
        self.options: dict[str, Any] = dict(options or {})
        self.trusted = trusted
        self.stash: dict[StashKey[Any], Any] = {}
        self.plugins = plugins if isinstance(plugins, Plugins) else Plugins(plugins, external, complain)
        self.hooks, self.report = self.plugins.hooks, self.plugins.report
        self._store: Store | None = None
        self._followers: list[asyncio.Queue[Entry | None]] = []

    @cached_property
    def workspace(self) -> Workspace:
        """Where the project begins, where files are kept, what the settings say."""
        found = self.hooks.collect_now(on.open_workspace, host=self)
        if not found:
            raise SettingsError("no plugin finds the workspace: enable one that implements open_workspace")
        return found[0][1]

    @property
    def root(self) -> Path:
        """Where the project begins."""
        return self.workspace.root

    @property
    def paths(self) -> Places:
        """Where data, settings, caches and state are kept."""
        return self.workspace.places

    @cached_property
    def settings(self) -> Settings:
        """What the user wants of this workspace."""
        offers = self.hooks.collect_now(on.register_settings)
        claims = [(plugin, setting) for plugin, offer in offers for setting in offer]
        # a key of an absent plugin is no mistake
        return self.workspace.read(claims, self.trusted, self.plugins.partial)

    def _setting(self, name: str) -> Any:
        """A setting that some plugin may or may not have claimed; None if not."""
        return self.settings[name] if name in self.settings else None  # noqa: SIM401

    async def store(self) -> Store:
        """Where the log is kept."""
        if self._store is None:
            self._store = await self.hooks.first(on.open_store, host=self)
        if self._store is None:
            raise StoreError("no plugin keeps the log: enable one that implements open_store")
        return self._store

    async def models(self) -> list[ModelInfo]:
        """Every model that some plugin can open, by name."""
        offers = await self.hooks.collect(on.list_models, host=self)
        return sorted({info.ref: info for offer in offers for info in offer}.values(), key=lambda info: info.ref)

    async def model(self, ref: str) -> Model:
        """Open a model; `ModelError` says why that cannot be, and what is close."""
        if (model := await self.hooks.first(on.open_model, ref=ref, host=self)) is not None:
            return model
        close = difflib.get_close_matches(ref, [info.ref for info in await self.models()], 3)
        hint = f"; did you mean {' or '.join(close)}?" if close else "; `mimo models` lists what there is"
        raise ModelError(ModelFault.NOT_FOUND, f"no plugin opens the model {ref!r}{hint}")

    async def default_model(self) -> str:
        """The model for sessions that chose none; `ModelError` says how to configure one."""
        if ref := self._setting("model"):
            return str(ref)
        if ready := [info for info in await self.models() if info.ready and info.rank]:
            return max(ready, key=lambda info: info.rank).ref
        where = f'pass --model provider/model or set "model" in {self.paths.config / "mimocode.json"}'
        raise ModelError(ModelFault.NOT_FOUND, f"no model is configured: {where}, or run `mimo setup`")

    async def credential(self, provider: str) -> str | None:
        """A secret for this provider, if some plugin knows one."""
        return await self.hooks.first(on.find_credential, provider=provider, host=self)

    async def agents(self) -> dict[str, Agent]:
        """All agents by name; later registered plugins override earlier ones."""
        offers = await self.hooks.collect(on.register_agents, host=self)
        return {agent.name: agent for offer in reversed(offers) for agent in offer}

    async def agent(self, name: str = "") -> Agent:
        """One agent; without a name the default one. `UsageError` says what is close."""
        agents = await self.agents()
        wanted = name or str(self._setting("default_agent") or "")
        if wanted in agents:
            return agents[wanted]
        if not agents:
            return Agent(wanted or "agent")
        if not wanted:
            return next((agent for agent in agents.values() if agent.mode != "subagent"), next(iter(agents.values())))
        close = difflib.get_close_matches(wanted, agents, 1) or sorted(agents)
        raise UsageError(f"there is no agent {wanted!r}; there is {', '.join(close) or 'none'}")

    async def _answering(self, wanted: str, before: str) -> Agent:
        """Who answers in a session that is being opened: it opens even if its agent is gone."""
        if wanted or not before or before in await self.agents():
            return await self.agent(wanted or before)
        agent = await self.agent()
        self.report("kernel", UsageError(f"the agent {before!r} of this session is gone, {agent.name!r} takes over"))
        return agent

    async def commands(self) -> dict[str, Command]:
        """All slash commands by name; later registered plugins override earlier ones."""
        offers = await self.hooks.collect(on.register_commands, host=self)
        return {command.name: command for offer in reversed(offers) for command in offer}

    @asynccontextmanager
    async def open(
        self,
        id: str = "",
        *,
        agent: str = "",
        model: str = "",
        parent: Session | None = None,
        fork: str = "",
        title: str = "",
    ) -> AsyncIterator[Session]:
        """Open a session: a new one, an old one by its id, or a copy of another (`fork`).

        Raises:
            SessionBusy: another process writes to it.
            StoreError: the log cannot be read or written.
            UsageError: there is no such session or agent.
        """
        _ = self.settings  # a mistake in them is the user's to know before anything begins
        store = await self.store()
        own = new_id() if fork or not id else id
        with store.lease(own):
            source = list(store.read(fork or id)) if fork or id else []
            if (fork or id) and not source:
                raise UsageError(f"there is no session {fork or id!r}; `mimo session list` shows those of this project")
            state = replay(source)
            session = Session(self, own, store, await self._answering(agent, state.agent), parent)
            if source and not fork:
                session.state = state
            else:
                chosen, kin = (session.agent.name, model or state.model), (parent.id if parent else "", fork)
                await session.emit(SessionStarted(str(session.directory), *chosen, *kin, __version__))
                for entry in source[1:]:
                    await session.emit(entry.event)
            if source and agent and agent != session.state.agent:
                await session.emit(AgentChosen(agent))
            if model and model != session.state.model:
                await session.emit(ModelChosen(model))
            if title:
                await session.emit(Titled(title))
            async with opened(session):
                yield session

    async def follow(self) -> AsyncIterator[Entry]:
        """The events of all sessions from now on."""
        queue: asyncio.Queue[Entry | None] = asyncio.Queue()
        self._followers.append(queue)
        try:
            while (entry := await queue.get()) is not None:
                yield entry
        finally:
            self._followers.remove(queue)

    def show(self, entry: Entry) -> None:
        """Pass an event to everyone who follows."""
        for queue in self._followers:
            queue.put_nowait(entry)

    def close(self) -> None:
        """Let go of the log and of followers."""
        for queue in self._followers:
            queue.put_nowait(None)
        if self._store is not None:
            self._store.close()
            self._store = None


def new_id() -> str:
    """A session id: later ones sort after earlier ones."""
    return f"ses_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(5)}"
