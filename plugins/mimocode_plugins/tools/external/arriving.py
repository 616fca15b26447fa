"""How servers come into a session: at once from what they listed before, else when they have answered.

A server that is dead or slow costs its own tools and a notice. Nothing waits for it longer than `PATIENCE`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError
from mimocode.ports import StashKey, ToolServer

from .consent import Settled, catalogue, is_fresh, keep, settle
from .known import Known
from .line import Starts

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

ARRIVALS: StashKey[Arrivals] = StashKey("external.arrivals")
ILL: StashKey[dict[str, str]] = StashKey("external.ill")
PATIENCE = 8.0
"""Seconds that the first window waits for servers that were never asked before."""
_AT_ONCE = 4
"""Servers that are asked at the same time."""


def feel(host: Host, name: str, why: str) -> None:
    """Keep why a server cannot be reached ("": it can), and let the status line count those that cannot."""
    ill: dict[str, str] = host.stash.setdefault(ILL, {})
    ill.pop(name, None)
    if why:
        ill[name] = why
    login = sum(f"mcp auth {one}" in said for one, said in ill.items())
    failing = len(ill) - login
    words = [f"{failing} failing"] * bool(failing) + [f"{login} need{'s' * (login == 1)} login"] * bool(login)
    host.options.setdefault("status_line", {})["mcp"] = f"MCP: {', '.join(words)}" if words else ""


class Arrivals:
    """The servers of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._new: dict[asyncio.Task[None], Known] = {}
        self._again: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._told: dict[str, set[str]] = {}
        """New tools by server that were spoken of."""

    @classmethod
    def of(cls, session: Session) -> Arrivals:
        """Those of this session."""
        arrivals: Arrivals = session.stash.setdefault(ARRIVALS, cls(session))
        return arrivals

    def offer(self, servers: Sequence[Known], odd: Sequence[str]) -> list[ToolServer]:
        """The servers whose tools are known. The others, and those not asked lately, are asked in the background."""
        ready: list[ToolServer] = []
        if odd:
            self._again.add(asyncio.create_task(self._tell(odd)))
        for server in servers:
            if server.waits:
                continue
            path = catalogue(self._session.host.paths, server)
            if path.is_file():
                ready.append(self._server(server, path))
                if not is_fresh(path):
                    self._again.add(asyncio.create_task(self._refresh(server), name=f"ask {server.name} again"))
            else:
                self._new[asyncio.create_task(self._arrive(server), name=f"ask {server.name}")] = server
        return ready

    async def wait(self) -> None:
        """Until every new server has answered or failed, or for `PATIENCE` seconds."""
        if not self._new:
            return
        _, late = await asyncio.wait(self._new, timeout=PATIENCE)
        names = ", ".join(sorted(self._new.pop(task).name for task in late))
        self._again |= late
        self._new.clear()
        if late:
            await self._tell(
                [f"still waiting for the MCP server {names}; its tools can be searched for when it answers"]
            )

    async def stop(self) -> None:
        """Ask no more."""
        tasks = {*self._new, *self._again}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _arrive(self, server: Known) -> None:
        if settled := await self._ask(server):
            self._session.toolbox.offer(__package__, [self._server(server, settled.catalogue)])

    async def _refresh(self, server: Known) -> None:
        """Ask again."""
        if settled := await self._ask(server):
            self._withdraw(server, settled)

    def _withdraw(self, server: Known, settled: Settled) -> None:
        """A tool that looks different now, or is gone, is not called any more in this session either."""
        specs = self._session.toolbox.specs
        for name, spec in list(specs.items()):
            if spec.server == server.name and spec.meta["mimocode"]["remote_name"] not in settled.offered:
                del specs[name]

    async def _changed(self, server: Known, client: Any) -> None:
        """The server says, over this connection, that it offers something else now."""
        from .server import offer

        try:
            settled = self._settle(server, await offer(client))
        except Exception as error:  # the connection ended meanwhile: whoever calls next learns that
            logging.getLogger(__name__).info("%s: %r", server.name, error)
            return
        self._withdraw(server, settled)
        held = {
            spec.meta["mimocode"]["remote_name"]
            for spec in self._session.toolbox.specs.values()
            if spec.server == server.name
        }
        told = self._told.setdefault(server.name, set())
        if more := sorted(set(settled.offered) - held - told):
            told.update(more)
            said = [f"the MCP server {server.name!r} has more tools now: {', '.join(more)}; the next session has them"]
            await self._tell(said)
        await self._tell(settled.said)

    def _settle(self, server: Known, listed: dict[str, list[dict[str, Any]]]) -> Settled:
        places = self._session.host.paths
        keep(places, server, listed)
        return settle(places, server, listed["tools"])

    async def _ask(self, server: Known) -> Settled | None:
        from .server import listing

        try:
            async with self._gate:
                listed = await listing(server, self._session.host)
            settled = self._settle(server, listed)
        except (MimoError, OSError) as error:
            feel(self._session.host, server.name, str(error))
            await self._tell([str(error)])
            return None
        feel(self._session.host, server.name, "")
        await self._tell(settled.said)
        return settled

    async def _tell(self, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            await self._session.notice("mcp", sentence, "warning")

    def _server(self, server: Known, path: Path) -> ToolServer:
        starts, session = Starts(), self._session

        async def changed(client: Any) -> None:
            await self._changed(server, client)

        def open_() -> Any:
            starts.check()
            from .server import bridge

            return bridge(server, session, starts, changed, partial(feel, session.host, server.name))

        return ToolServer(server.name, open_, path, external=True, timeout=server.timeout)
