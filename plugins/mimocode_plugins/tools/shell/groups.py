"""Process groups that we started, and that must not outlive us: neither the session nor a `kill -9` of the process.

The parent-death signal of Linux would end only the shell itself and not what it started, and costs 0.7 ms a command
through `setpriv` and 10 ms through `preexec_fn`. So one small shell waits at the end of a pipe, from the first
command on: when the pipe closes, because the session ended or because we died, it kills the groups that are left.
It costs nothing while it waits and works wherever there is a shell. A command that was just being started when we died
has no group yet that the shell could know; on Linux it finds such a one by our process id in its environment.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

TERM_GRACE = 3.0
"""Seconds between the request to end and the end (surface 6.3)."""

_WATCH = """
trap '' HUP INT TERM
groups=" "
starting=0
while read -r sign group; do
    case $sign in
        '?') starting=$((starting + 1)) ;;
        '!') starting=$((starting - 1)) ;;
        +) groups="$groups$group " ;;
        -) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
[ $starting -gt 0 ] || exit 0
for round in 1 2 3 4 5; do
    for file in $(grep -lszx "MIMOCODE_PID=$0" /proc/[0-9]*/environ); do
        process=${file#/proc/}
        kill -s KILL "${process%/environ}" 2>/dev/null
    done
    sleep 0.1
done
"""


class Groups:
    """The groups of one session."""

    def __init__(self) -> None:
        self._alive: set[int] = set()
        self._watch: subprocess.Popen[bytes] | None = None
        self._late: set[asyncio.TimerHandle] = set()

    @contextmanager
    def starting(self) -> Iterator[None]:
        """While a command is being started: it is ended with us even when we die before `started` is told."""
        for old in [old for old in self._alive if not _exists(old)]:
            self.ended(old)
        self._tell("?\n")
        try:
            yield
        finally:
            self._tell("!\n")

    def started(self, group: int) -> None:
        """Answer for a group from now on."""
        self._tell(f"+ {group}\n")
        self._alive.add(group)

    def ended(self, group: int) -> None:
        """A group has no members any more."""
        self._alive.discard(group)
        self._tell(f"- {group}\n")

    def end(self, group: int) -> None:
        """Ask a group to end, and end it three seconds later; returns at once."""
        send(group, signal.SIGTERM)

        def insist() -> None:
            self._late.discard(timer)
            if group in self._alive:
                send(group, signal.SIGKILL)
                self.ended(group)

        timer = asyncio.get_running_loop().call_later(TERM_GRACE, insist)
        self._late.add(timer)

    async def close(self) -> None:
        """End all that is left: a short time to tidy up, then for good."""
        for timer in self._late:
            timer.cancel()
        for group in self._alive:
            send(group, signal.SIGTERM)
        for _ in range(10):
            if not any(map(alive, self._alive)):
                break
            await asyncio.sleep(0.02)
        for group in self._alive:
            send(group, signal.SIGKILL)
        self._alive.clear()
        self._dismiss()

    def _dismiss(self) -> None:
        if self._watch is not None and self._watch.stdin is not None:
            with suppress(OSError):
                self._watch.stdin.close()
            self._watch.wait()
            self._watch = None

    def _tell(self, line: str) -> None:
        if self._watch is None or self._watch.poll() is not None:
            self._watch = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH, str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
                cwd="/",
            )
            line = "".join(f"+ {group}\n" for group in self._alive) + line
        assert self._watch.stdin is not None
        with suppress(BrokenPipeError):
            self._watch.stdin.write(line.encode())


def send(group: int, number: int) -> None:
    """Signal a group, if there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def alive(group: int, young: bool = False) -> bool:
    """Whether a group has members that still run; in containers nobody may collect those that ended.

    Args:
        group: its number.
        young: it began a moment ago, so that numbers of processes cannot have gone round since: its members have
            higher numbers than itself, and those of a thousand ended ones need not be read.
    """
    return _exists(group) and (sys.platform != "linux" or _any_runs(group, group if young and _newest() > group else 0))


def _exists(group: int) -> bool:
    """Whether a group has members, be they only ones that ended and that nobody has collected."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _newest() -> int:
    """The process that was started last; 0 where that is not told."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/loadavg").read_text().split()[-1])
    return 0


def _any_runs(group: int, above: int) -> bool:
    wanted = str(group).encode()
    with os.scandir("/proc") as found:
        numbers = [int(entry.name) for entry in found if entry.name.isdigit()]
    for number in numbers:
        if number <= above:
            continue
        with suppress(OSError, ValueError), open(f"/proc/{number}/stat", "rb", buffering=0) as stat:  # noqa: PTH123 - hot
            # "pid (name) state parent group ...", where the name may contain anything
            state, _, its_group = stat.read(512).rpartition(b")")[2].split(None, 3)[:3]
            if its_group == wanted and state not in b"ZX":
                return True
    return False
