"""What the store costs: `python tests/bench/bench_store.py`. Not collected by pytest.

Prints microseconds per append at 0, 10,000 and 50,000 facts, and what reading, listing, searching and verifying
take at the end.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "kernel"), str(ROOT / "plugins")]

from mimocode.events import AnyFact, CallFinished, CallStarted, MessageAdded, SessionStarted  # noqa: E402
from mimocode.messages import Text, ToolCall, assistant, user  # noqa: E402
from mimocode_plugins.store.sqlite.store import SqliteStore  # noqa: E402

SAMPLE = 1000
PROSE = "The parser drops the last field when a line ends in a comma; the test in tests/test_rows.py shows it. " * 4


def fact(number: int) -> AnyFact:
    """A mix as a working session makes it: five facts a step, one of them a tool's output of 4 kB."""
    match number % 5:
        case 0:
            return MessageAdded(user(f"{PROSE} {number}"))
        case 1:
            call = ToolCall(f"c{number}", "edit", {"path": f"src/rows_{number}.py", "old": PROSE, "new": PROSE})
            return MessageAdded(assistant(f"I will look at row {number}.", call))
        case 2:
            return CallStarted(f"c{number - 1}")
        case 3:
            return CallFinished(f"c{number - 2}", (Text(PROSE * 10),))
        case _:
            return MessageAdded(assistant(f"{PROSE} done {number}"))


def took(what: str, work: Callable[[], object]) -> None:
    """Print how long something takes."""
    began = time.perf_counter()
    result = work()
    print(f"{what:<28}{(time.perf_counter() - began) * 1e3:10.1f} ms   {result}")


def main() -> None:
    """Fill a store and print what it cost."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mimocode.db"
        store = SqliteStore(str(path))
        store.append("ses_bench", SessionStarted("/project", "build"))
        with store.lease("ses_bench"):
            number = 1
            for start in (0, 10_000, 50_000):
                while number < start:
                    store.append("ses_bench", fact(number))
                    number += 1
                spent = []
                for _ in range(SAMPLE):
                    made = fact(number)
                    began = time.perf_counter()
                    store.append("ses_bench", made)
                    spent.append((time.perf_counter() - began) * 1e6)
                    number += 1
                spent.sort()
                print(
                    f"append at {start:>6} facts: median {statistics.median(spent):5.0f} µs, mean "
                    f"{statistics.fmean(spent):5.0f}, p99 {spent[-SAMPLE // 100]:6.0f}, most {spent[-1]:6.0f}"
                )
        print(f"file {path.stat().st_size / 1e6:.1f} MB, log beside it {os.path.getsize(f'{path}-wal') / 1e6:.1f} MB")
        took("read", lambda: sum(1 for _ in store.read("ses_bench")))
        took("sessions", lambda: len(store.sessions()))
        took("search", lambda: len(store.search("rows_40001.py")))
        took("verify", lambda: store.verify("ses_bench"))
        took("close", store.close)


if __name__ == "__main__":
    main()
