"""What many subagents cost: `python tests/bench/bench_actors.py [how many]`. Not collected by pytest.

An agent starts so many subagents (100) in one answer; each reads a file and reports. Prints, in one run: seconds, how many
worked at once, milliseconds of processor time a subagent, and megabytes of memory before, at most, and after.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "kernel"), str(ROOT / "plugins"), str(ROOT / "tests")]

from mimocode import Say  # noqa: E402
from mimocode.host import Host  # noqa: E402
from mimocode_plugins import DEFAULT  # noqa: E402
from mimocode_plugins.crew.children.team import team  # noqa: E402
from support import cast  # noqa: E402


def megabytes() -> float:
    """Memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """A tool call."""
    return {"name": name, "arguments": arguments}


async def main(count: int) -> None:
    """Run and print."""
    folder = Path(tempfile.mkdtemp())
    os.environ["MIMOCODE_HOME"] = str(folder / "home")
    (folder / "a.py").write_text("a = 1\n")
    look = [call("read", file_path="a.py")]
    warm = [call("actor", action="run", prompt="look at it")]
    many = [call("actor", action="run", prompt=f"look at {number}") for number in range(count)]
    parts = {
        "warm": [{"calls": warm}, {"text": "Warm."}],
        "go": [{"calls": many}, {"text": "All told."}],
        "look": [{"calls": look}, {"text": "Status: done\nSummary: seen\nok", "delay": 0.01}],
    }
    script = folder / "parts.json"
    script.write_text(json.dumps(parts))
    host = Host([*DEFAULT, cast], directory=folder, external=False)
    most, working = 0.0, 0
    async with host.open(agent="build", model=f"cast/{script}") as session:
        await session.submit(Say("warm up"))
        await session.settled()
        before, began, used = megabytes(), time.perf_counter(), time.process_time()
        await session.submit(Say("go"))
        while session.state.busy or session.last_words() != "All told.":
            await asyncio.sleep(0.02)
            most = max(most, megabytes())
            working = max(working, sum(live.child is not None for live in team(session).live.values()))
        seconds, busy = time.perf_counter() - began, time.process_time() - used
        done = sum(actor.state == "done" for actor in team(session).actors.values())
    after = megabytes()
    host.close()
    print(f"{done - 1} of {count} done in {seconds:.1f} s, at most {working} at once")
    print(f"{busy / count * 1000:.0f} ms of processor time each")
    print(f"{before:.0f} MB before, {most:.0f} at most, {after:.0f} after")
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
