"""Sessions in which files are changed and language servers have their say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mimocode import ToolCall
from mimocode.events import Say
from mimocode.messages import assistant
from mimocode.session import Session
from mimocode.testing import play
from mimocode_plugins.tools import files, lsp, patch
from mimocode_plugins.tools.lsp.fleet import FLEET, Fleet


@asynccontextmanager
async def work(
    folder: Path,
    *calls: ToolCall,
    servers: Any = False,
    formatter: Any = False,
    trusted: bool = True,
    more: Sequence[Any] = (),
) -> AsyncIterator[tuple[Session, Any]]:
    """A session with `more` plugins in which each call is made when `step()` is awaited, which gives its result's text."""
    lines = [line for call in calls for line in (assistant("", call), "done")]
    async with play(*lines, plugins=[files, patch, lsp, *more], directory=folder) as session:
        session.host.trusted = trusted
        session.host.settings["lsp"], session.host.settings["formatter"] = servers, formatter  # type: ignore[index]

        async def step() -> str:
            await session.submit(Say("go"))
            await session.settled()
            return [m.text for m in session.state.messages if m.role == "tool"][-1]

        yield session, step
    assert session.host.options["complaints"] == []


def write(name: str, content: str, number: int = 1) -> ToolCall:
    return ToolCall(str(number), "write", {"file_path": name, "content": content})


def fleet(session: Session) -> Fleet:
    found: Fleet = session.host.stash[FLEET]
    return found


async def warm(session: Session, count: int = 1) -> None:
    """Wait until the servers that were woken are up."""
    async with asyncio.timeout(60):
        stations = list(fleet(session).stations.values())
        assert len(stations) == count
        assert all([await station.awake(60) for station in stations]), [station.state for station in stations]
