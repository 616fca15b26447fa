"""One writer per session: who holds a session, and whether that process still lives.

A holder on this machine is asked for by its process id and start time, so a killed one is replaced at once. One
that cannot be seen from here (another machine, another container) counts as gone when its heartbeat is old.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mimocode.errors import SessionBusy

TTL = 30.0
"""Seconds without a heartbeat after which a holder that cannot be seen is taken for dead."""
BEAT = 10.0
"""Seconds between heartbeats while a lease is held."""
_PROC = Path("/proc")


@dataclass(frozen=True)
class Holder:
    """A row of the table `leases`."""

    owner: str
    pid: int
    host: str
    machine: str
    started: str
    since: float
    beat: float


class Me:
    """This process, as others can recognise it."""

    @cached_property
    def host(self) -> str:
        """The machine's name, for people."""
        return socket.gethostname()

    @cached_property
    def machine(self) -> str:
        """Equal for two processes exactly when they see each other's process ids: name, boot, pid namespace."""
        boot, space = "", ""
        try:
            boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
            space = str((_PROC / "self/ns/pid").readlink())
        except OSError:
            pass  # no /proc here: the name alone must do, and `alive` looks at the heartbeat as well
        return f"{self.host}/{boot}/{space}"

    def holder(self, owner: str) -> Holder:
        """A fresh row for this process."""
        now = time.time()
        return Holder(owner, os.getpid(), self.host, self.machine, started(os.getpid()), now, now)

    def sees_alive(self, other: Holder) -> bool:
        """Whether the other one still runs, as far as this process can tell."""
        # Clocks of two containers on one machine agree, and SQLite's shared memory reaches no further than that.
        fresh = -TTL < time.time() - other.beat < TTL
        if other.machine != self.machine:
            return fresh
        if not other.started:  # no start time to be had: the process id may be someone else's by now
            return fresh and _exists(other.pid)
        return started(other.pid) == other.started


def started(pid: int) -> str:
    """When a process began, in the kernel's own ticks; "" when it is gone (or a zombie) or nobody can say."""
    try:
        # The name in the second field may hold anything, so count from its closing bracket (proc(5): state is
        # field 3, starttime field 22).
        fields = (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return ""


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is there, but not ours
    return True


def find(db: sqlite3.Connection, session: str) -> Holder | None:
    """Who holds a session, dead or alive."""
    row = db.execute(
        "SELECT owner, pid, host, machine, started, since, beat FROM leases WHERE session=?", (session,)
    ).fetchone()
    return Holder(*row) if row else None


def take(db: sqlite3.Connection, session: str, holder: Holder) -> None:
    """Write the row, over a dead holder's. The caller has looked, in the same transaction."""
    db.execute(
        "INSERT OR REPLACE INTO leases(session, owner, pid, host, machine, started, since, beat)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        (session, holder.owner, holder.pid, holder.host, holder.machine, holder.started, holder.since, holder.beat),
    )


def busy(session: str, holder: Holder, me: Me) -> SessionBusy:
    """The refusal, in one sentence."""
    since = time.strftime("%H:%M", time.localtime(holder.since))
    if holder.machine == me.machine and holder.pid == os.getpid():
        return SessionBusy(f"session {session} is already open in this process (since {since})", f"pid {holder.pid}")
    place = "" if holder.host == me.host else f" on {holder.host}"
    return SessionBusy(
        f"session {session} is open in another process (pid {holder.pid}{place} since {since}); "
        "close it there or use --fork",
        f"pid {holder.pid}{place}",
    )
