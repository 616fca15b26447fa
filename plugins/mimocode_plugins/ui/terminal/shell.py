"""`!command`: run by the user's shell, shown, and sent along with the next message."""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from .items import Shell

MOST = 30_000
"""Characters of output that are kept: the first and the last half."""


class UserShell:
    """Runs the user's commands one at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self.command = ""
        """What runs now."""

    async def run(
        self, command: str, directory: Path, words: Sequence[str] = (), columns: int = 80, path: str = ""
    ) -> Shell:
        """Run a command to its end, with nothing on its standard input.

        Args:
            words: the program and its arguments when it is not for the shell; `command` is then what is shown.
            columns: how wide the program may write.
            path: PATH as the user has it, where ours is a shorter one.
        """
        shell = os.environ.get("SHELL") or "/bin/sh"
        self.command = command
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(words or (shell, "-c", command)), cwd=directory, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "COLUMNS": str(columns), **({"PATH": path} if path else {})},
            )  # fmt: skip
            output = await self._output()
            return Shell(command, output, await self._process.wait())
        except OSError as error:
            return Shell(command, f"{error.filename or shell}: {error.strerror or error}", 127)
        finally:
            self.stop()
            self.command, self._process = "", None

    def stop(self) -> None:
        """End what runs, with everything it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _output(self) -> str:
        assert self._process is not None and self._process.stdout is not None
        head, tail, lost = b"", b"", 0
        while piece := await self._process.stdout.read(65536):
            room = MOST // 2 - len(head)
            head += piece[:room]
            tail += piece[max(0, room) :]
            lost += max(0, len(tail) - MOST // 2)
            tail = tail[-MOST // 2 :]
        between = f"\n… {lost} bytes left out …\n".encode() if lost else b""
        return (head + between + tail).decode("utf-8", errors="replace")


def for_agent(done: Shell) -> str:
    """What the agent is told of a command that the user ran."""
    command = html.escape(done.command).replace("\n", " ")
    return f'<shell command="{command}" exit="{done.exit}">\n{done.output.rstrip()}\n</shell>'
