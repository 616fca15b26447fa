"""Commands that run on while the agent goes on: what they print, how they stand, how they are ended."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from mimocode.errors import ToolFailed

from .groups import alive
from .running import Ending, Running
from .spool import BYTES

MOST = 20
"""Jobs that may run at the same time."""
LONGEST = 600.0
"""Seconds that one call may wait for a job."""


@dataclass
class Job:
    """A command in the background."""

    id: str
    title: str
    run: Running
    waiting: asyncio.Task[Ending]
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    shown: int = 0
    """Bytes of its output that the agent has seen."""

    @property
    def over(self) -> bool:
        """It has ended."""
        return self.waiting.done()

    @property
    def stands(self) -> str:
        """How it stands, in a few words."""
        if not self.over:
            return f"running for {time.monotonic() - self.began:.0f} s"
        end = self.waiting.result()
        how = "timed out" if end.timed_out else "printed too much" if end.overflowed else f"exit code {end.exit}"
        return f"{how if end.exit >= 0 or end.timed_out else f'ended by signal {-end.exit}'} after {self.seconds:.0f} s"

    def news(self) -> str:
        """What it printed since this was asked last; of very much, the end."""
        size, start = self.run.spool.size, self.shown
        self.shown = size
        if size - start <= BYTES:
            return self.run.spool.between(start, size).decode("utf-8", "replace").replace("\r\n", "\n")
        left, path = size - BYTES - start, self.run.spool.to_disk()
        whole = f"; all of it is in {path}" if path else ""
        rest = self.run.spool.between(size - BYTES, size).decode("utf-8", "replace")
        return f"... {left} bytes left out{whole} ...\n\n{rest}"


class Jobs:
    """The jobs of one session."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def room(self) -> None:
        """Make sure that one more may be started.

        Raises:
            ToolFailed: too many run.
        """
        running = [job.id for job in self._jobs.values() if not job.over]
        if len(running) >= MOST:
            raise ToolFailed(f"{MOST} jobs run already ({', '.join(running)}): kill one first.")

    def add(self, title: str, run: Running, seconds: float | None) -> Job:
        """Look after a started command; `seconds` is its limit, None for none."""
        waiting = asyncio.create_task(run.ending(seconds))
        job = Job(f"job{len(self._jobs) + 1}", title, run, waiting)

        def ended(_: asyncio.Task[Ending]) -> None:
            job.seconds = time.monotonic() - job.began

        waiting.add_done_callback(ended)
        self._jobs[job.id] = job
        return job

    def find(self, id: str) -> Job:
        """The job of this id.

        Raises:
            ToolFailed: there is none.
        """
        if id not in self._jobs:
            there = ", ".join(self._jobs) or "none was started with run_in_background"
            raise ToolFailed(f"There is no job {id!r}; there is: {there}.")
        return self._jobs[id]

    def listed(self) -> str:
        """All jobs, a line each."""
        return "\n".join(f"{job.id}: {job.stands}: {job.title}" for job in self._jobs.values()) or "No jobs."

    async def output(self, id: str, seconds: float) -> str:
        """What a job printed since the last time, and how it stands; waits so long for its end."""
        job = self.find(id)
        await asyncio.wait({job.waiting}, timeout=min(seconds, LONGEST))
        return f"{job.news().rstrip() or '(no new output)'}\n\n({job.id}: {job.stands})"

    async def kill(self, id: str) -> str:
        """End a job with everything it started."""
        job = self.find(id)
        if job.over and not alive(job.run.group):
            return f"{job.id} had ended already: {job.stands}."
        job.run.stop()
        await asyncio.wait({job.waiting})
        return f"{job.news().rstrip() or '(no new output)'}\n\n({job.id}: {job.stands})"

    async def close(self) -> None:
        """Nobody waits any more; what they wait for has been ended."""
        for job in self._jobs.values():
            job.waiting.cancel()
            job.run.release()
        if self._jobs:
            await asyncio.wait({job.waiting for job in self._jobs.values()})
