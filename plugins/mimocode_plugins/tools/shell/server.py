"""The shell as an MCP server: bash."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.tools.base import Tool
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from mimocode.errors import ToolFailed

from ..place import Place, show
from ..server import answer, here, tool
from .environment import environment, is_secret
from .groups import Groups
from .jobs import Jobs
from .keys import keyed
from .running import Ending, Running, shell
from .spool import BYTES, LARGEST, Spool

_RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True)
_LOOKS = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_SCREEN = 30_000
"""Bytes of output that the screen is given."""
_TIMEOUT = 120_000
_CONFLICT = re.compile(rb"^CONFLICT \(", re.MULTILINE)
HandOver = Callable[[Sequence[str], Path, Mapping[str, str]], Awaitable[int]]
Wrap = Callable[[Sequence[str], Path, bool], Awaitable[Sequence[str]]]


async def bare(argv: Sequence[str], directory: Path, terminal: bool) -> Sequence[str]:
    """A command line as it is."""
    return argv


def build(
    place: Place,
    outputs: Path | None = None,
    hand_over: Callable[[], HandOver | None] = lambda: None,
    wrap: Wrap = bare,
    usual: float = _TIMEOUT,
) -> MCPServer:
    """The server of one session; long outputs go to files in `outputs`.

    `hand_over` says who gives the terminal to the user (command, directory, environment, to exit code), if anybody.
    `wrap` has the last word on what is started (True: it gets the terminal); `usual` is the time limit in milliseconds.
    """
    commands = Commands(outputs or Path.home() / ".local/share/mimocode/tool-output")

    async def bash(
        ctx: Context,
        command: str,
        description: Annotated[str | None, Field(description="What it does, in 5 to 10 words")] = None,
        timeout: Annotated[float | None, Field(description="Milliseconds; default 120000")] = None,
        workdir: Annotated[str | None, Field(description="Directory to run in, instead of cd")] = None,
        max_output_tokens: Annotated[int | None, Field(description="Show less output than usual")] = None,
        run_in_background: Annotated[bool | None, Field(description="Return at once, without a time limit")] = None,
        interactive: Annotated[bool | None, Field(description="Hand the terminal to the user, as for a login")] = None,
    ) -> CallToolResult:
        where = here(place, ctx)
        start = where.find(workdir) if workdir else where.directory
        if (limit := timeout or usual) < 0 or (max_output_tokens or 0) < 0:
            raise ToolFailed("timeout and max_output_tokens cannot be negative.")
        if not start.is_dir():
            raise ToolFailed(f"The working directory {show(start)} does not exist.")
        argv = await wrap([shell(), "-c", command], start, bool(interactive))
        if interactive:
            return await _handed_over(hand_over(), argv, command, start)
        if run_in_background:
            return commands.background(argv, start, description or command, timeout / 1000 if timeout else None)
        with commands.start(argv, start) as run:
            end = await run.ending(limit / 1000, lambda text: ctx.report_progress(run.spool.size, None, text))
            return _answer(end, run, description or command, limit, max_output_tokens or 0)

    @asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await commands.close()

    told: dict[str, Any] = {"permission": "bash", "command": "command", "paths": ["workdir"]}
    told |= {"truncated": True, "wrapped": True}
    tools = [tool(__package__, bash, _RUNS, **told), _looking_after(commands)]
    return MCPServer("shell", log_level="WARNING", lifespan=lifespan, tools=tools)


def _looking_after(commands: Commands) -> Tool:
    async def jobs(
        ctx: Context,
        operation: Literal["list", "output", "kill"],
        id: str | None = None,
        wait: float | None = None,
    ) -> CallToolResult:
        if operation == "list":
            return answer(commands.jobs.listed(), {"title": "jobs"})
        name = id or ""
        waited = commands.jobs.kill(name) if operation == "kill" else commands.jobs.output(name, (wait or 0) / 1000)
        return answer(await waited, {"title": f"{operation} {name}"})

    return tool(__package__, jobs, _LOOKS, permission="jobs")


class Commands:
    """The commands of one session, also those that go on in the background."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        self._groups = Groups()
        self._running: set[Running] = set()
        self.jobs = Jobs()

    def background(self, argv: Sequence[str], directory: Path, title: str, seconds: float | None) -> CallToolResult:
        """Start a command and leave it to itself.

        Raises:
            ToolFailed: it cannot be started, or too many run.
        """
        self.jobs.room()
        with self.start(argv, directory, keep=True) as run:
            job = self.jobs.add(title, run, seconds)
        text = f"Started as {job.id} (process group {run.group}); the tool jobs shows its output."
        return answer(f"{text} It ends with the session.", {"title": title, "job": job.id})

    @contextmanager
    def start(self, argv: Sequence[str], directory: Path, keep: bool = False) -> Iterator[Running]:
        """Start a command; at the end of the context its output has been shown, unless it is to be kept.

        Raises:
            ToolFailed: it cannot be started.
        """
        self._running = {run for run in self._running if not run.over}
        try:
            run = Running(argv, directory, environment(os.environ), Spool(self._outputs), self._groups)
        except ValueError:
            raise ToolFailed("The command contains a character that no command can have, such as NUL.") from None
        self._running.add(run)
        try:
            yield run
        finally:
            if not keep:
                run.release()

    async def close(self) -> None:
        """End what still runs."""
        await self._groups.close()
        await self.jobs.close()
        for run in self._running:
            run.close()
            run.reap()
        self._running.clear()


async def _handed_over(hand_over: HandOver | None, argv: Sequence[str], title: str, directory: Path) -> CallToolResult:
    if hand_over is None:
        raise ToolFailed("Nobody sits at a terminal here: run it without interactive, or ask the user to run it.")
    env = {name: value for name, value in os.environ.items() if not is_secret(name)}  # pagers and prompts are welcome
    code = await hand_over(keyed(argv), directory, env)
    how = f"exit code {code}" if code >= 0 else f"killed by {_signal(-code)}"
    text = f"The user had the terminal; {how}. What was shown there is not known."
    return answer(text, {"title": title, "exit": code})


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
    if end.exit > 0 and _CONFLICT.search(spool.between(spool.size - BYTES, spool.size)):
        notes.append(
            "Git reports conflicts. Both sides are somebody's work: look at each and keep what both meant; "
            "do not take one side for all or abort what the user began without asking."
        )
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
