"""What one `echo` through the bash tool costs over the bare fork.

PYTHONPATH=kernel:plugins:tests python tests/bench/bench_shell.py [ROUNDS]

Rounds of both are interleaved, so that a busy machine slows both; medians are compared.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.shell.server import build
from support.calling import connected


def _bare() -> None:
    subprocess.run(["bash", "-c", "echo hi"], capture_output=True, start_new_session=True)


async def main(rounds: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        here = Path(name)
        bare: list[float] = []
        tool: list[float] = []
        async with connected(build(Place(here, here), here / "out"), here) as tools:
            for _ in range(rounds):
                start = time.perf_counter()
                _bare()
                middle = time.perf_counter()
                await tools("bash", command="echo hi")
                bare.append(middle - start)
                tool.append(time.perf_counter() - middle)
    for label, values in (("bare fork", bare), ("bash tool", tool)):
        tenths = statistics.quantiles(values, n=10)
        print(f"{label}  median {statistics.median(values) * 1e3:5.2f} ms   p90 {tenths[-1] * 1e3:5.2f} ms")
    print(f"over it    median {(statistics.median(tool) - statistics.median(bare)) * 1e3:5.2f} ms")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
