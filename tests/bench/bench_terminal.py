"""What the terminal costs: first paint, echo of a key while 200 words a second stream in, bytes per word, idleness,
memory after 20 turns and after many.

    python tests/bench/bench_terminal.py [TURNS]

A real process on a pseudo-terminal; only its bytes are looked at, no virtual screen takes time.
"""

from __future__ import annotations

import json
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


def paint(cli: Cli) -> tuple[float, ...]:
    """Milliseconds from the start of the process to its first prompt, to the one that answers keys, to the session;
    each by the clock and of the processor.
    """
    began, taken = time.perf_counter(), list[float]()
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        for mark in (b"Say what", b"\x1b[?2004h", b"build"):
            until(tty, mark)
            taken += [(time.perf_counter() - began) * 1000, _cpu(tty.pid)]
    return tuple(taken)


def stream(cli: Cli, turn: str) -> None:
    """Type while an answer streams: the very first one of a process, which a script gives at once and no model does,
    so that libraries are still being loaded; and a later one.
    """
    steps = {"turns": [[{"text": "word90"}], [{"text": TEXT}]]} if turn == "later" else {"turns": [[{"text": TEXT}]]}
    path = cli.home / "stream.json"
    path.write_text(json.dumps({**steps, "pace": 0.005}))
    with terminal(cli, "chat", "-m", f"scripted/{path}") as tty:
        tty.wait("build · ")
        tty._stream = type("Nobody", (), {"feed": lambda self, data: None})()
        if turn == "later":
            tty.send("go\r")
            until(tty, b"word90")
            _still(tty)
            tty.raw = b""
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
    print(f"echo    {turn} answer: median {statistics.median(echoes):.1f} ms, p95 {p95:.1f} ms")
    print(f"stream  {written / took / 1000:.1f} kB/s, {frames / took:.0f} frames/s, {written / frames:.0f} bytes/frame")


def idle(cli: Cli, seconds: float = 5) -> None:
    """Do nothing."""
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        tty.wait("build · ")
        tty.quiet(1)
        before = _ticks(tty.pid)
        tty.read(seconds)
        print(f"idle    {(_ticks(tty.pid) - before) / os.sysconf('SC_CLK_TCK') / seconds:.1%} of a processor")


def memory(cli: Cli, turns: int) -> None:
    """Hold a long conversation; what is resident after 20 turns, now and then, and at its end."""
    path, said = cli.home / "turns.json", "I heard: ${prompt}. "
    answers = [[{"text": said + " ".join(f"word{number * word}" for word in range(40))}] for number in range(turns)]
    path.write_text(json.dumps({"turns": answers}))
    with terminal(cli, "chat", "-m", f"scripted/{path}") as tty:
        tty.wait("build · ")
        tty._stream = type("Nobody", (), {"feed": lambda self, data: None})()
        early = 0.0
        for number in range(turns):
            tty.raw = b""
            tty.send(f"question {number}\r")
            until(tty, f"I heard: question {number}.".encode())
            until(tty, b"Say what", tty.raw.rindex(b"I heard"))
            if number == 19:
                _still(tty)  # libraries are loaded in the background; twenty turns take people longer
                early = _resident(tty.pid)
            if number % 250 == 19:
                print(f"memory  {_resident(tty.pid):.0f} MB after {number + 1} turns", flush=True)
        late = _resident(tty.pid)
    print(f"memory  {early:.0f} MB after 20 turns, {late:.0f} MB after {turns}: {late / early:.2f} times")


def _still(tty: Tty) -> None:
    """Wait until the process does nothing for a second."""
    before = -1
    while _ticks(tty.pid) != before:
        before = _ticks(tty.pid)
        tty.read(0.01)
        time.sleep(1)


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def _cpu(pid: int) -> float:
    """Milliseconds on a processor."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    """Print the numbers."""
    cli = Cli(Path(tempfile.mkdtemp()))
    paint(cli)
    columns = list(zip(*(paint(cli) for _ in range(8)), strict=True))
    for name, clock, cpu in zip(("paint", "keys", "session"), columns[::2], columns[1::2], strict=True):
        shown = (
            f"median {statistics.median(clock):.0f} ms, best {min(clock):.0f} ms; of the processor {min(cpu):.0f} ms"
        )
        print(f"{name:7} {shown}")
    stream(cli, "first")
    stream(cli, "later")
    idle(cli)
    if len(sys.argv) > 1:
        memory(cli, int(sys.argv[1]))


if __name__ == "__main__":
    main()
