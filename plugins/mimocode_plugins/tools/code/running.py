"""One program from start to end: its process, the calls it makes, its output, its limits."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from mimocode import turn
from mimocode.errors import MimoError, ToolFailed
from mimocode.events import CallFinished, Noted
from mimocode.messages import Media, Text, ToolCall, ToolSpec
from mimocode.session import INTERRUPTED

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "nested"
CALLS, MOST_CALLS, MOST_MILLISECONDS = 50, 500, 600_000
AT_ONCE = 8
_RUNNER = Path(__file__).with_name("runner.py")
_LINE = 16 * 1024 * 1024
"""Bytes that one message of a program may have."""
_PRINTED = 400_000
"""Characters of output that are kept."""
_MEMORY, _LOOK = 1024, 0.25
"""Megabytes that a program may use; seconds between two looks at its clock."""
Progress = Callable[[int, str], Awaitable[None]]


class Program:
    """A program of one `exec` call. `count` says how many calls it made."""

    def __init__(self, session: Session, call: str, most: int) -> None:
        self.count = 0
        self._session, self._call, self._most = session, call, most
        self._printed: list[str] = []
        self._room = _PRINTED
        self._gate = _Gate(AT_ONCE)
        self._open: dict[str, asyncio.Task[None]] = {}
        self._process: asyncio.subprocess.Process | None = None

    async def run(self, code: str, seconds: float, progress: Progress) -> tuple[str, bool]:
        """What it printed, with what went wrong, and whether something did.

        Cancelling it ends the program and the calls that it made. Time that the user takes to approve a call is not
        the program's.

        Raises:
            ToolFailed: it cannot be started, or this machine cannot hold it.
        """
        talking = asyncio.create_task(self._talk(code, progress))
        try:
            why = await self._in_time(talking, seconds)
        finally:
            with anyio.CancelScope(shield=True):
                await self._stop(talking)
        text = "".join(self._printed).rstrip("\n")
        if self._room <= 0:
            text += f"\n\n(Only the first {_PRINTED} characters of the output are kept.)"
        return "\n\n".join(part for part in (text, why) if part) or "(no output)", bool(why)

    async def _in_time(self, talking: asyncio.Task[str], seconds: float) -> str:
        loop, left = asyncio.get_running_loop(), seconds
        while left > 0:
            began = loop.time()
            await asyncio.wait({talking}, timeout=min(left, _LOOK))
            if talking.done():
                return talking.result()
            if not self._session.state.waiting.keys() & self._open.keys():
                left -= loop.time() - began
        return f"Ended: it took longer than {seconds * 1000:.0f} ms. Give timeout_ms, or do less at once."

    async def _talk(self, code: str, progress: Progress) -> str:
        """Start it, do what it asks for; why it failed, "" if it did not."""
        tools = callable_tools(self._session)
        pipe = asyncio.subprocess.PIPE
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", "-B", "-X", "utf8", str(_RUNNER)),
            stdin=pipe, stdout=pipe, stderr=pipe, cwd="/", limit=_LINE, start_new_session=True,
            env={"LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        self._send({"code": code, "tools": sorted(tools), "memory": _MEMORY})
        complaints = asyncio.create_task(_tail(process.stderr))
        async for message in _messages(process.stdout):
            match message:
                case {"do": "end", "error": str(why)}:
                    return why
                case {"do": "unfit", "error": str(why)}:
                    raise ToolFailed(f"No program runs here, call the tools one by one: {why}.")
                case {"do": "print", "text": str(text)}:
                    self._printed.append(text[: max(0, self._room)])
                    self._room -= len(text)
                case {"do": "call", "id": int(number), "name": str(name), "arguments": dict(arguments)}:
                    self._begin(number, name, arguments, tools, progress)
        status = await process.wait()
        said = (await complaints).decode("utf-8", "replace").strip().splitlines()
        return f"The program's process ended before the program did: {(said or [f'exit code {status}'])[-1]}"

    def _begin(
        self, number: int, name: str, arguments: Mapping[str, Any], tools: Mapping[str, ToolSpec], progress: Progress
    ) -> None:
        if name not in tools:
            there = ", ".join(sorted(tools))
            self._send({"id": number, "error": f"there is no tool {name!r} for a program; there is: {there}"})
            return
        if self.count >= self._most:
            why = f"the program has made the {self._most} calls that it may make; max_tool_calls allows more"
            self._send({"id": number, "error": why})
            return
        self.count += 1
        call = ToolCall(f"{self._call or 'exec'}.{self.count}", name, dict(arguments))
        alone = not tools[name].read_only
        task = asyncio.create_task(self._answer(number, call, alone, progress))
        self._open[call.id] = task
        task.add_done_callback(lambda _: self._open.pop(call.id, None))

    async def _answer(self, number: int, call: ToolCall, alone: bool, progress: Progress) -> None:
        """Make one call, as in a turn: it is in the log before it is ruled on."""
        async with self._gate.passed(alone):
            told = {"call": call.id, "of": self._call, "name": call.name, "arguments": dict(call.arguments)}
            await self._session.emit(Noted(NOTES, told))
            try:
                with suppress(Exception):  # nobody may be listening
                    await progress(self.count, f"{self.count}: {call.name} {_subject(call)}".rstrip())
                result = await turn.answer(self._session, call)
            except asyncio.CancelledError:
                await self._session.emit(CallFinished(call.id, (Text(INTERRUPTED),), error=True))
                raise
            except MimoError as error:  # the log cannot be written: the session will say so
                self._send({"id": number, "error": str(error)})
                return
        media = "".join(
            f"\n({block.mime} is not shown to programs)" for block in result.content if isinstance(block, Media)
        )
        self._send({"id": number, "error" if result.error else "text": result.text + media})

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(ConnectionError, RuntimeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def _stop(self, talking: asyncio.Task[str]) -> None:
        """Nothing of it goes on."""
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        tasks = [talking, *self._open.values()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=5)


class _Gate:
    """Lets calls that only read pass together, `most` at once, and any other alone."""

    def __init__(self, most: int) -> None:
        self._most, self._inside, self._alone = most, 0, asyncio.Lock()
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def passed(self, alone: bool) -> AsyncIterator[None]:
        """Wait for one's turn."""
        async with self._alone, self._changed:  # who waits to be alone keeps others from going in before
            await self._changed.wait_for(lambda: self._inside == 0 if alone else self._inside < self._most)
            self._inside += self._most if alone else 1
        try:
            yield
        finally:
            async with self._changed:
                self._inside -= self._most if alone else 1
                self._changed.notify_all()


def callable_tools(session: Session) -> dict[str, ToolSpec]:
    """What a program may call: what the agent is offered, but for what works on the conversation itself."""
    offered = session.toolbox.offered(session.agent)
    return {spec.name: spec for spec in offered if not (spec.meta.get("mimocode") or {}).get("inward")}


async def _messages(stream: asyncio.StreamReader) -> AsyncIterator[Any]:
    """What a program says, a JSON value per line; what is none, or too long, ends it."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            raise ToolFailed("The program was ended: it said more at once than can be taken.") from None
        if not line:
            return
        try:
            yield json.loads(line)
        except (ValueError, RecursionError):
            raise ToolFailed("The program was ended: it wrote where only its runner writes.") from None


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """The last that a stream says."""
    kept = b""
    while chunk := await stream.read(65_536):
        kept = (kept + chunk)[-2_000:]
    return kept


def _subject(call: ToolCall) -> str:
    first = next((value for value in call.arguments.values() if isinstance(value, str)), "")
    return re.sub(r"\s+", " ", first)[:60]
