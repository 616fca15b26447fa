"""What one `echo` through the bash tool costs over the bare fork, without and with the sandbox, and with the session's
network shared by all commands as it is in a session.

PYTHONPATH=kernel:plugins:tests python tests/bench/bench_shell.py [ROUNDS]

Rounds of all are interleaved, so that a busy machine slows both; medians are compared.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mimocode_plugins.guard.sandbox import bubblewrap
from mimocode_plugins.guard.sandbox.ladder import climb
from mimocode_plugins.guard.sandbox.layout import Grounds, layout
from mimocode_plugins.guard.sandbox.sharing import Network
from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.shell.server import Wrap, build
from support.calling import connected


def _bare() -> None:
    subprocess.run(["bash", "-c", "echo hi"], capture_output=True, start_new_session=True)


def _wrap(folder: Path, shared: Network | None = None) -> Wrap:
    """The sandbox as a session has it: its plan made once, the command line for every command."""
    found = climb()
    plan = layout(Grounds(Path.home(), (folder,), folder, temps=()))
    (folder / "none").touch(mode=0o000)

    async def wrap(argv: Sequence[str], directory: Path) -> Sequence[str]:
        if found.rung != bubblewrap.NAME:
            raise SystemExit(f"there is no bubblewrap here: {'; '.join(found.why)}")
        entry = await shared.entry(None) if shared else ()
        return bubblewrap.command(found.program, plan, folder / "none", directory, argv, False, entry)

    return wrap


async def main(rounds: int) -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {"bare fork": [], "bash tool": [], "in a sandbox": [], "and a network": []}
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        out, place = here / "out", Place(here, here)
        network = Network(climb().program)
        plain, held = build(place, out), build(place, out, wrap=_wrap(here))
        together = build(place, out, wrap=_wrap(here, network))
        async with (
            connected(plain, here) as tools,
            connected(held, here) as inside,
            connected(together, here) as sharing,
        ):
            for _ in range(rounds):
                marks = [time.perf_counter()]
                _bare()
                marks.append(time.perf_counter())
                await tools("bash", command="echo hi")
                marks.append(time.perf_counter())
                await inside("bash", command="echo hi")
                marks.append(time.perf_counter())
                await sharing("bash", command="echo hi")
                marks.append(time.perf_counter())
                for label, start, end in zip(times, marks, marks[1:], strict=False):
                    times[label].append(end - start)
        await network.close()
    for label, values in times.items():
        tenths = statistics.quantiles(values, n=10)
        print(f"{label:<13} median {statistics.median(values) * 1e3:5.2f} ms   p90 {tenths[-1] * 1e3:5.2f} ms")
    bare, tool, sandbox, shared = (statistics.median(values) * 1e3 for values in times.values())
    print(
        f"the tool costs {tool - bare:.2f} ms, the sandbox {sandbox - tool:.2f} ms a command, sharing {shared - sandbox:.2f} ms"
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
