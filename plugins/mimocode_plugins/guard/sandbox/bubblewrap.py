"""The first rung on Linux: bubblewrap, with namespaces for files, processes and the network.

What a process inside does not see it cannot harm: other processes, sockets of other programs, other users' temporary
files. It has no capabilities and cannot make namespaces of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from .layout import Access, Layout

NAME = "bubblewrap"
_RUN = ("/run/current-system", "/run/opengl-driver", "/run/wrappers")
"""What programs need of /run on systems that keep programs there."""
_NAMES = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager", "/run/connman")
"""What looking up names needs of /run, where the network is open."""

GATE, PORT = "/run/mimocode-proxy", 3128
"""Inside: the socket of the proxy, and the port on loopback that leads to it."""
_OWN = ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try")
_SETTINGS = (
    *("sys", "sysrq-trigger", "irq", "bus", "fs", "mtrr", "driver", "scsi", "acpi", "dynamic_debug", "pressure"),
    *("asound", "sched_debug", "timer_stats", "latency_stats"),
)
"""Below /proc: what belongs to root and to the whole machine."""
_PROXY = {
    "HTTP_PROXY": f"http://127.0.0.1:{PORT}",
    "HTTPS_PROXY": f"http://127.0.0.1:{PORT}",
    "ALL_PROXY": f"http://127.0.0.1:{PORT}",
    "NO_PROXY": "localhost,127.0.0.1,::1",
    "NODE_USE_ENV_PROXY": "1",
}


def command(
    program: str,
    plan: Layout,
    none: Path,
    directory: Path,
    argv: Sequence[str],
    network: bool | Path,
    entry: Sequence[str] = (),
) -> list[str]:
    """A command line that runs `argv` inside.

    Args:
        program: bubblewrap itself.
        plan: what of the disk is writable and hidden.
        none: an empty file that nobody may read, to put over hidden ones.
        directory: where to start.
        argv: what to run.
        network: whether the network of the machine is reached, or the socket of the proxy that is the way to it.
        entry: words that let it run in the network of the session, where the proxy is reached already.
    """
    gate = network if isinstance(network, Path) else None
    words = [*entry, program, *_OWN, *([] if network is True or entry else ["--unshare-net"])]
    words += ["--cap-drop", "ALL", *(["--disable-userns"] if _closes_namespaces(program) else [])]
    words += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", *_kernel(), "--tmpfs", "/run"]
    for path in (*_RUN, *(_NAMES if network is True else ())):
        words += ["--ro-bind-try", path, path]
    if gate is not None:
        if not entry:
            words += ["--ro-bind", str(gate), GATE]
            argv = [sys.executable, "-I", "-S", str(Path(__file__).with_name("bridge.py")), GATE, str(PORT), *argv]
        for name, value in _PROXY.items():
            words += ["--setenv", name, value, "--setenv", name.lower(), value]
    for temp in plan.temps:
        words += ["--bind", str(plan.temp), str(temp)]
    for name, value in {**plan.environ, "TMPDIR": str(plan.temps[0] if plan.temps else plan.temp)}.items():
        words += ["--setenv", name, value]
    return [*words, *_disk(plan, none), "--remount-ro", "/run", "--chdir", str(directory), "--", *argv]


def _kernel() -> Iterator[str]:
    """Keep root from the settings of the kernel, which no namespace holds back: who owns their files may write them.

    With `core_pattern` among them a command would choose what the kernel itself runs. Others are refused anyway.
    """
    for name in _SETTINGS if os.geteuid() == 0 else ():
        yield from ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")


def _disk(plan: Layout, none: Path) -> list[str]:
    """What differs from a read-only disk."""
    words: list[str] = []
    closed: list[str] = []
    for path, access in plan.outermost_first:
        name = str(path)
        if access is Access.WRITE:
            words += ["--bind-try", name, name]
        elif access is Access.READ:
            words += ["--ro-bind-try", name, name]
        elif path.is_dir():
            words += ["--perms", "0111" if plan.holds(path) else "0000", "--tmpfs", name]
            closed += ["--remount-ro", name]
        else:
            words += ["--ro-bind", str(none), name]
    for path in sockets(plan):
        words += ["--ro-bind-try", str(none), str(path)]
    return words + closed


def sockets(plan: Layout) -> Iterator[Path]:
    """Sockets of programs outside that would be seen inside: a read-only disk does not keep anyone from talking."""
    covered = (Path("/run"), Path("/dev"), *plan.temps)
    shown = [path for path, access in plan.access.items() if access is not Access.HIDE]
    hidden = [path for path, access in plan.access.items() if access is Access.HIDE]
    for path in dict.fromkeys((*_listening(), *_announced())):
        if not path.is_absolute() or not path.exists():
            continue
        real = Path(os.path.realpath(path))
        if any(each in real.parents for each in hidden):
            continue
        if not any(each in real.parents for each in covered) or any(each in real.parents for each in shown):
            yield real


def _listening() -> Iterator[Path]:
    try:
        with Path("/proc/net/unix").open(encoding="utf-8", errors="surrogateescape") as lines:
            for line in lines:
                path = line.rstrip("\n").split(" ", 7)[-1].strip()
                if path.startswith("/"):
                    yield Path(path)
    except OSError:
        return


def _announced() -> Iterator[Path]:
    for name in ("SSH_AUTH_SOCK", "DOCKER_HOST", "CONTAINER_HOST", "DBUS_SESSION_BUS_ADDRESS"):
        value = os.environ.get(name, "").removeprefix("unix://").removeprefix("unix:path=").partition(",")[0]
        if value.startswith("/"):
            yield Path(value)


@lru_cache(maxsize=4)
def _closes_namespaces(program: str) -> bool:
    """Whether this version can forbid further namespaces (0.8 and later)."""
    try:
        told = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return "--disable-userns" in told.stdout + told.stderr
