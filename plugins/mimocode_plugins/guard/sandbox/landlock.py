"""The second rung on Linux: Landlock for files and signals, seccomp for sockets and for what reaches past Landlock.

It needs no namespaces, so it holds where containers forbid bubblewrap to make some. It is weaker: rules only add up,
so inside of what is writable nothing can be taken out again (such files are put back afterwards, see `mending`); names
of hidden files can be listed; modes and times of files outside can be changed; `/tmp` is not private but read-only; no
socket at all can be opened, not even on loopback. Source: Linux, Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from .layout import Access, Layout

NAME = "landlock"
_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm")


def command(
    program: str, plan: Layout, none: Path, directory: Path, argv: Sequence[str], network: bool | Path
) -> list[str]:
    """A command line that runs `argv` under the rules; see `bubblewrap.command`. A list of hosts is no network here."""
    told = json.dumps(
        {**rights(plan), "network": network is True, "environ": {**plan.environ, "TMPDIR": str(plan.temp)}}
    )
    file = none.with_name(f"rules-{hashlib.sha256(told.encode()).hexdigest()[:16]}.json")
    if not file.exists():  # a list of paths can be longer than an argument may be
        file.write_text(told, "utf-8")
    return [program, "-I", "-S", str(Path(__file__).with_name("confine.py")), str(file), *argv]


def rights(plan: Layout) -> dict[str, list[str]]:
    """What may be read and what may be written, each with all that lies below."""
    hidden = [*plan.temps, *(path for path, access in plan.access.items() if access is Access.HIDE)]
    shown = [path for path, access in plan.access.items() if access is not Access.HIDE]
    write = [path for path, access in plan.access.items() if access is Access.WRITE]
    devices = [Path("/dev") / name for name in _DEVICES]
    read = [*_around(Path("/"), hidden), *(path for each in shown for path in _around(each, hidden))]
    return {
        "read": list(dict.fromkeys(map(str, [*read, plan.temp]))),
        "write": [str(path) for path in [*write, *devices, plan.temp] if path.exists()],
    }


def _around(path: Path, hidden: Sequence[Path]) -> Iterator[Path]:
    """Paths that together are everything below this one but for what is hidden."""
    if path in hidden:
        return
    if not any(path in each.parents for each in hidden):
        yield path
        return
    try:
        children = sorted(os.listdir(path))  # noqa: PTH208 - Path.iterdir opens nothing more, but is slower
    except OSError:
        return
    for name in children:
        yield from _around(path / name, hidden)


def find() -> tuple[str, str]:
    """The program that confines itself and then becomes the command: this Python; or why that cannot be."""
    if sys.maxsize < 2**32:
        return "", "only known on 64-bit systems"
    from .confine import ARCHITECTURES, abi

    if os.uname().machine not in ARCHITECTURES:
        return "", f"system calls of {os.uname().machine} are not known"
    version = abi()
    if version < 3:
        return "", f"the kernel has {f'version {version} of it, 3 is needed' if version > 0 else 'none'}"
    return sys.executable, ""
