"""The shell as an MCP server: bash."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any

from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from mimocode.errors import ToolFailed

from ..place import Place, show
from ..server import answer, here, tool
from .environment import environment
from .groups import Groups
from .running import Ending, Running
from .spool import LARGEST, Spool

_RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True)
_SCREEN = 30_000
"""Bytes of output that the screen is given."""
_TIMEOUT = 120_000


def build(place: Place, outputs: Path | None = None) -> MCPServer:
    """The server of one session; long outputs go to files in `outputs`."""
    commands = Commands(outputs or Path.home() / ".local/share/mimocode/tool-output")

    async def bash(
        ctx: Context,
        command: str,
        description: Annotated[str | None, Field(description="What it does, in 5 to 10 words")] = None,
        timeout: Annotated[float | None, Field(description="Milliseconds; default 120000")] = None,
        workdir: Annotated[str | None, Field(description="Directory to run in, instead of cd")] = None,
        max_output_tokens: Annotated[int | None, Field(description="Show less output than usual")] = None,
    ) -> CallToolResult:
        where = here(place, ctx)
        start = where.find(workdir) if workdir else where.directory
        limit = timeout or _TIMEOUT
        if limit < 0 or (max_output_tokens or 0) < 0:
            raise ToolFailed("timeout and max_output_tokens cannot be negative.")
        if not start.is_dir():
            raise ToolFailed(f"The working directory {show(start)} does not exist.")
        with commands.start(command, start) as run:
            end = await run.ending(limit / 1000, lambda text: ctx.report_progress(run.spool.size, None, text))
            return _answer(end, run, description or command, limit, max_output_tokens or 0)

    @asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await commands.close()

    told: dict[str, Any] = {"permission": "bash", "command": "command", "paths": ["workdir"], "truncated": True}
    return MCPServer("shell", log_level="WARNING", lifespan=lifespan, tools=[tool(__package__, bash, _RUNS, **told)])


class Commands:
    """The commands of one session, also those that go on in the background."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self._groups = Groups()
        self._running: set[Running] = set()

    @contextmanager
    def start(self, command: str, directory: Path) -> Iterator[Running]:
        """Start a command; at the end of the context its output has been shown.

        Raises:
            ToolFailed: it cannot be started.
        """
        self._running = {run for run in self._running if not run.over}
        try:
            run = Running(command, directory, environment(os.environ), Spool(self._outputs), self._groups)
        except ValueError:
            raise ToolFailed("The command contains a character that no command can have, such as NUL.") from None
        self._running.add(run)
        try:
            yield run
        finally:
            run.release()

    async def close(self) -> None:
        """End what still runs."""
        await self._groups.close()
        for run in self._running:
            run.close()
            run.reap()
        self._running.clear()


def _answer(end: Ending, run: Running, title: str, limit: float, tokens: int) -> CallToolResult:
    notes = _notes(end, run.spool, limit, run.group)
    text = run.spool.shown(tokens).rstrip("\n") or "(no output)"
    if notes:
        text += "\n\n<bash_metadata>\n" + "\n".join(notes) + "\n</bash_metadata>"
    display: dict[str, Any] = {"title": title, "exit": end.exit, "output": run.spool.tail(_SCREEN)}
    if run.spool.path:
        display["file"] = str(run.spool.path)
    return answer(text, display)


def _notes(end: Ending, spool: Spool, limit: float, group: int) -> list[str]:
    """What the model should know besides the output; nothing when all is well."""
    notes = []
    if end.timed_out:
        notes.append(f"Ended after its timeout of {limit:g} ms. Give a longer timeout if it needs more time.")
    elif end.overflowed:
        notes.append(f"Stopped: it printed more than {LARGEST // 1024**2} MB. Redirect such output to a file.")
    elif end.exit < 0:
        notes.append(f"Killed by {_signal(-end.exit)}.")
    elif end.exit:
        notes.append(f"Exit code {end.exit}.")
    if spool.lost:
        notes.append(f"Not all output could be kept: {spool.lost}.")
    if end.left_running:
        file = spool.to_disk()
        goes = f"; what they print goes to {file}" if file else ""
        notes.append(f"Processes it started still run (process group {group}) and end with the session{goes}.")
    return notes


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
