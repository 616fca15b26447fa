"""What the terminal costs: first paint, echo of a key while 200 words a second stream in, bytes per word, idleness.

    python tests/bench/bench_terminal.py

A real process on a pseudo-terminal; only its bytes are looked at, no virtual screen takes time.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2] / folder) for folder in ("kernel", "plugins", "tests")]

from support.cli import Cli  # noqa: E402
from support.tty import Tty, terminal  # noqa: E402

TEXT = "\n\n".join(" ".join(f"word{number}" for number in range(60)) for _ in range(40))
FRAME = b"\x1b[?2026h"


def until(tty: Tty, wanted: bytes, begin: int = 0) -> None:
    """Read until these bytes have been written."""
    while wanted not in tty.raw[begin:]:
        tty.read(1)


def paint(cli: Cli) -> float:
    """Milliseconds from the start of the process to its first prompt."""
    began = time.perf_counter()
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        until(tty, b"Say what")
        return (time.perf_counter() - began) * 1000


def stream(cli: Cli) -> None:
    """Type while an answer streams."""
    with terminal(cli, "chat", "-m", cli.scenario([{"text": TEXT}], pace=0.005)) as tty:
        tty.wait("build · ")
        tty._stream = type("Nobody", (), {"feed": lambda self, data: None})()
        tty.send("go\r")
        until(tty, b"word9")
        before, began, echoes = len(tty.raw), time.perf_counter(), list[float]()
        for number in range(60):
            letter, at, pressed = b"QZ"[number % 2 :][:1], len(tty.raw), time.perf_counter()
            os.write(tty._handle, letter)
            until(tty, letter, at)
            echoes.append((time.perf_counter() - pressed) * 1000)
            while time.perf_counter() < pressed + 0.07:
                tty.read(0.01)
        took, written = time.perf_counter() - began, len(tty.raw) - before
        frames = tty.raw[before:].count(FRAME)
    p95 = statistics.quantiles(echoes, n=20)[-1]
    print(f"echo    median {statistics.median(echoes):.1f} ms, p95 {p95:.1f} ms")
    print(f"stream  {written / took / 1000:.1f} kB/s, {frames / took:.0f} frames/s, {written / frames:.0f} bytes/frame")


def idle(cli: Cli, seconds: float = 5) -> None:
    """Do nothing."""
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        tty.wait("build · ")
        tty.quiet(1)
        before = _ticks(tty.pid)
        tty.read(seconds)
        print(f"idle    {(_ticks(tty.pid) - before) / os.sysconf('SC_CLK_TCK') / seconds:.1%} of a processor")


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    """Print the numbers."""
    cli = Cli(Path(tempfile.mkdtemp()))
    paint(cli)
    paints = [paint(cli) for _ in range(8)]
    print(f"paint   median {statistics.median(paints):.0f} ms, best {min(paints):.0f} ms")
    stream(cli)
    idle(cli)


if __name__ == "__main__":
    main()
