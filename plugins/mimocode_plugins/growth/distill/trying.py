"""Tries a proposal out before anybody is asked: its loader loads it, its commands run on a throw-away copy.

What needs the network, destroys, has a blank to fill in or is no command is left out, and that is said. Times are in
seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mimocode.errors import MimoError
from mimocode.host import Host

from . import hookspecs
from .copying import TooMuch, copied
from .forms import is_command
from .proposing import Proposal, Redact, problems
from .steps import DELEGATED

if TYPE_CHECKING:
    from collections.abc import Mapping

EACH, TOGETHER = 20.0, 60.0
"""For one command, and for all commands of all proposals."""
OUTPUT, SHOWN = 65_536, 160
"""Bytes of output that are read, and characters of its last line that are shown."""
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "USER", "LOGNAME", "SHELL", "TZ", "VIRTUAL_ENV")
"""What a tried command knows of our environment."""
NETWORK = re.compile(
    r"\bgit\s+(?:push|pull|fetch|clone|ls-remote|submodule\s+update)\b|\b(?:gh|glab|ssh|scp|sftp|rsync|twine|kubectl|aws|az"
    r"|gcloud|terraform|ansible\S*|helm|heroku|fly|flyctl|vercel|netlify)\b|\bdocker\s+(?:push|pull|login|compose|build|run)\b"
    r"|\b(?:npm|pnpm|yarn)\s+(?:install|i|ci|add|publish|update|audit)\b|\b(?:pip|pipx|uv|poetry|conda)\s+(?:install|add|sync|lock"
    r"|publish|update)\b|\buv\s+pip\b|\bcargo\s+(?:publish|install|update)\b|\bgo\s+(?:get|install|mod\s+download)\b"
    r"|\b(?:apt|apt-get|brew|dnf|pacman)\b|\b(?:bundle|gem|composer)\s+(?:install|push|update)\b"
)
"""Commands whose work is on another machine."""


@dataclass(frozen=True)
class Tried:
    """What became of one step."""

    step: str
    outcome: Literal["works", "failed", "left out"]
    why: str = ""


@dataclass(frozen=True)
class Trial:
    """What is wrong with a proposal, and what came of its steps."""

    wrong: tuple[str, ...] = ()
    steps: tuple[Tried, ...] = ()

    @property
    def failed(self) -> Tried | None:
        """A step that does not work although all before it did; after one that was left out nothing is certain."""
        first = next((step for step in self.steps if step.outcome != "works"), None)
        return first if first is not None and first.outcome == "failed" else None


def summary(trial: Trial) -> str:
    """What the trial says, in a few words."""
    count = Counter(step.outcome for step in trial.steps)
    if count["left out"] == len(trial.steps):
        return "none of its steps could be tried"
    words = [f"{len(trial.steps) - count['left out']} of its {len(trial.steps)} steps were tried in the sandbox"]
    words[0] += f", on a copy of the project: {count['works']} work"
    words += [f"{count['failed']} failed"] * bool(count["failed"])
    words += ["a step that was left out may be why"] * bool(count["failed"] and trial.failed is None)
    return ", ".join(words)


@asynccontextmanager
async def workshop(host: Host, redact: Redact) -> AsyncIterator[Workshop]:
    """A place for trials, gone afterwards."""
    place = await asyncio.to_thread(_place)
    try:
        yield Workshop(host, redact, place, time.monotonic() + TOGETHER)
    finally:
        await asyncio.to_thread(_gone, place)


def _place() -> Path:
    return Path(tempfile.mkdtemp(prefix="mimocode-trial-")).resolve()


def _gone(place: Path) -> None:
    """Remove it; commands may have left folders that cannot be written."""
    for folder, _, _ in os.walk(place):
        with suppress(OSError):
            Path(folder).chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)


@dataclass(frozen=True)
class Workshop:
    """Where proposals are tried, each on a fresh copy."""

    host: Host
    redact: Redact
    place: Path
    until: float

    async def tried(self, proposal: Proposal) -> Trial:
        """Load it and run what can be run of it."""
        room = self.place / proposal.name
        room.mkdir()
        wrong = [*problems(proposal), *await self._taken(proposal), *await self._loaded(proposal, room / "loaded")]
        return Trial(tuple(dict.fromkeys(wrong)), tuple(await self._rehearsed(proposal, room)))

    async def _taken(self, proposal: Proposal) -> list[str]:
        """What it would replace or lacks in the project."""
        agents = await self.host.agents()
        if proposal.form == "agent":
            return [f"there is an agent {proposal.name} already"] if proposal.name in agents else []
        taken = proposal.name in await self.host.commands() and proposal.form in ("command", "skill")
        return [f"there is a command /{proposal.name} already"] if taken else []

    async def _loaded(self, proposal: Proposal, project: Path) -> list[str]:
        """What its loader says of the file, in a project that holds nothing else."""
        file = project / ".mimocode" / proposal.file
        file.parent.mkdir(parents=True)
        file.write_text(proposal.text(), "utf-8")
        apart = Host(self.host.plugins, directory=project, environ=self.host.environ, trusted=True)
        asked = {"kind": proposal.form, "name": proposal.name, "host": apart}
        try:
            said = await self.host.hooks.first(hookspecs.load_asset, **asked)  # type: ignore[arg-type]
        except MimoError as error:
            return [str(error)]
        return [f"no plugin loads a {proposal.form}"] if said is None else list(said)

    async def _rehearsed(self, proposal: Proposal, room: Path) -> list[Tried]:
        commands = [step for step in proposal.steps if is_command(step)]
        doubts = {step: await self._doubt(step) for step in commands}
        why = ""
        if not all(doubts.values()):
            try:
                await asyncio.to_thread(copied, self.host.root, room / "copy")
            except TooMuch:
                why = "the project is too large for a trial"
            except OSError as error:
                why = f"the project cannot be copied: {error.strerror}"
        done = []
        for step in proposal.steps:
            reason = why or doubts.get(
                step, "it is no command" if not step.startswith(DELEGATED) else "a subagent does it"
            )
            done.append(Tried(step, "left out", reason) if reason else await self._run(step, room))
        return done

    async def _doubt(self, step: str) -> str:
        """Why a command is not run; "" if it is."""
        if "..." in step:
            return "it has a blank to fill in"
        if "[redacted" in step.lower():
            return "it needs a secret"
        if NETWORK.search(step):
            return "it needs the network"
        answers = await self.host.hooks.collect(hookspecs.doubt_command, command=step, host=self.host)
        return answers[0] if answers else ""

    async def _run(self, step: str, room: Path) -> Tried:
        left = min(EACH, self.until - time.monotonic())
        if left <= 0:
            return Tried(step, "left out", "there was no time left")
        scratch = room / "scratch"
        scratch.mkdir(exist_ok=True)
        argv = ["/bin/sh", "-c", step]
        inside = await self.host.hooks.first(
            hookspecs.confine_trial, argv=argv, directory=room / "copy", scratch=scratch, host=self.host
        )
        if inside is None:
            return Tried(step, "left out", "there is no sandbox; `mimo sandbox` says why")
        code, output = await _ended(inside, room / "copy", _environment(self.host.environ), left)
        if code is None:
            return Tried(step, "failed", f"it did not end within {left:.0f} s")
        if code == 0:
            return Tried(step, "works")
        said = [line.strip() for line in self.redact(output)[0].splitlines() if line.strip()]
        shown = "".join(letter if letter.isprintable() else "?" for letter in said[-1][:SHOWN]) if said else ""
        return Tried(step, "failed", f"exit code {code}" + (f": {shown}" if shown else ""))


async def _ended(
    argv: Sequence[str], directory: Path, env: Mapping[str, str], seconds: float
) -> tuple[int | None, str]:
    """Run it to its end, or so long: its exit code (None: it was ended by us) and the end of its output."""
    pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=directory, env=env, stdin=none, stdout=pipe, stderr=asyncio.subprocess.STDOUT, start_new_session=True
    )
    output = b""
    try:
        async with asyncio.timeout(seconds):
            assert process.stdout is not None
            while piece := await process.stdout.read(OUTPUT):
                output = (output + piece)[-OUTPUT:]
            return await process.wait(), output.decode("utf-8", "replace")
    except TimeoutError:
        return None, output.decode("utf-8", "replace")
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # also what it left behind
        await process.wait()


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """No keys, no pagers, no questions."""
    env = {name: inherited[name] for name in KEPT if name in inherited}
    return env | {"CI": "1", "PAGER": "cat", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0", "TERM": "dumb"}
