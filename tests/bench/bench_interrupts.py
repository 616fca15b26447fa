"""How soon Ctrl-C ends a turn and the process: `python tests/bench/bench_interrupts.py [how often]`. Not collected by pytest.

Runs `mimo run` against a local model, sends SIGINT in the middle of an answer and of a command in turn, and prints the
milliseconds from the signal to the end of the turn (by the times in the log) and to the end of the process: half of them
and nearly all (95 %) are quicker. Promised: 250 for the turn.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "kernel"), str(ROOT / "plugins"), str(ROOT / "tests")]

from support import longrun  # noqa: E402
from support.cli import Cli  # noqa: E402
from support.model_server import ModelServer  # noqa: E402

ANSWER = {"text": "touch started " * 2000, "pace": 0.01}
COMMAND = {"calls": [longrun.bash("touch started; sleep 300")]}


def once(folder: Path, step: dict[str, object]) -> tuple[float, float]:
    """Seconds until the turn ended, and the process."""
    cli = Cli(folder)
    with ModelServer([step]) as server:
        longrun.connect(cli, server)
        process = cli.start("run", "--yolo", "--format", "json", "hi")
        if step is COMMAND:
            longrun.wait_until((cli.project / "started").exists, process)
        else:
            assert process.stdout
            process.stdout.readline()
            time.sleep(0.2)
        at, began = time.time(), time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate()
        whole = time.monotonic() - began
    facts = json.loads(cli("session", "export").out)["facts"]
    (ended,) = [row["time"] for row in facts if row["fact"]["type"] == "turn.ended"]
    return ended - at, whole


def main(count: int) -> None:
    """Run and print."""
    for name, step in (("answer", ANSWER), ("command", COMMAND)):
        with tempfile.TemporaryDirectory() as folder:
            rooms = [Path(folder) / str(number) for number in range(count)]
            for room in rooms:
                room.mkdir()
            turns, processes = zip(*(once(room, step) for room in rooms), strict=True)
        shown = "  ".join(
            f"{what} {sorted(times)[count // 2] * 1000:.0f} / {sorted(times)[int(count * 0.95)] * 1000:.0f} ms"
            for what, times in (("turn", turns), ("process", processes))
        )
        print(f"{name}: {shown}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
