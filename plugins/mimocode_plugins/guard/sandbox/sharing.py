"""One network for all commands of a session: a server in the background is reached by the next command.

A process that does nothing but wait keeps a network with a loopback and nothing else; commands enter it before their
own sandbox is made. It has no way out, as before. What it takes are user namespaces and `nsenter` (util-linux), no
privileges: whoever made a user namespace may enter what belongs to it (user_namespaces(7)). Where that fails, every
command has a network to itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .bubblewrap import PORT

_PATIENCE = 30.0
_NSENTER = "/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin"


class Network:
    """The network of a session, made when it is first needed."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._keeper: asyncio.subprocess.Process | None = None
        self._words: tuple[str, ...] = ()
        self._lock = asyncio.Lock()
        self.why = ""
        """Why commands have networks of their own; "" while nothing speaks against sharing."""

    async def entry(self, gate: Path | None) -> Sequence[str]:
        """Words before a command line that let it run in this network; none where it cannot be shared.

        Args:
            gate: socket of the proxy, which is then reached at its port on loopback.
        """
        async with self._lock:
            if self.why or (self._keeper is not None and self._keeper.returncode is None):
                return () if self.why else self._words
            try:
                async with asyncio.timeout(_PATIENCE):
                    await self._make(gate)
            except (OSError, ValueError, KeyError, TimeoutError) as error:
                self.why = str(error) or type(error).__name__
                await self.close()
            return () if self.why else self._words

    async def _make(self, gate: Path | None) -> None:
        nsenter = shutil.which("nsenter", path=_NSENTER)
        if nsenter is None:
            raise OSError("the program nsenter is not there")
        bridge = [sys.executable, "-I", "-S", str(Path(__file__).with_name("bridge.py")), str(gate), str(PORT)]
        (told, tells), (heard, says) = os.pipe(), os.pipe()
        try:
            self._keeper = await asyncio.create_subprocess_exec(
                *(self._program, "--unshare-user", "--unshare-net", "--bind", "/", "/", "--dev-bind", "/dev", "/dev"),
                *("--info-fd", str(tells), "--", *(bridge if gate else ())),
                *("sh", "-c", f"echo ready >/proc/self/fd/{says}; exec cat"),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(tells, says), start_new_session=True, cwd="/",
            )  # fmt: skip
        finally:
            os.close(tells)
            os.close(says)
        with os.fdopen(told, "rb") as info, os.fdopen(heard, "rb") as ready:
            pid = int(json.loads(await asyncio.to_thread(info.read))["child-pid"])
            if await asyncio.to_thread(ready.readline) != b"ready\n":  # said when the bridge listens
                raise OSError("it did not begin")
        self._words = (nsenter, "--user", "--net", "--preserve-credentials", f"--target={pid}", "--")
        await self._try()

    async def _try(self) -> None:
        """Make a sandbox in it.

        Raises:
            OSError: it fails, with what was said.
        """
        words = (self._program, "--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "--")
        pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        trial = await asyncio.create_subprocess_exec(*self._words, *words, "true", stdin=none, stdout=none, stderr=pipe)
        _, said = await trial.communicate()
        if trial.returncode:
            raise OSError(said.decode("utf-8", "replace").strip() or f"exit code {trial.returncode}")

    async def close(self) -> None:
        """It goes when the last process in it is gone."""
        keeper, self._keeper = self._keeper, None
        if keeper is None or keeper.returncode is not None:
            return
        if keeper.stdin is not None:
            keeper.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(keeper.wait(), 2)
            return
        keeper.kill()
        await keeper.wait()
