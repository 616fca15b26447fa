"""The rung of macOS: a profile for `sandbox-exec`. Of several rules that fit, the last one decides there.

The real temporary directory stays out of reach; `TMPDIR` names a private one. A list of hosts is no network here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from .layout import Access, Layout

NAME = "seatbelt"
_DEVICES = ("null", "zero", "tty", "dtracehelper", "ptmx")


def command(
    program: str, plan: Layout, none: Path, directory: Path, argv: Sequence[str], network: bool | Path
) -> list[str]:
    """A command line that runs `argv` under the profile; see `bubblewrap.command`."""
    env = ["/usr/bin/env", *(f"{name}={value}" for name, value in plan.environ.items()), f"TMPDIR={plan.temp}"]
    return [program, "-p", profile(plan, network is True), *env, *argv]


def profile(plan: Layout, network: bool) -> str:
    """The profile of a plan."""
    lines = ["(version 1)", "(allow default)", "(deny file-write*)"]
    lines.append(_rule("allow file-write*", [f"/dev/{name}" for name in _DEVICES], "literal"))
    lines.append(_rule("allow file-write*", ["/dev/fd", plan.temp], "subpath"))
    for path, access in plan.outermost_first:
        if access is Access.WRITE:
            lines.append(_rule("allow file-read* file-write*", [path], "subpath"))
        elif access is Access.READ:
            lines.append(_rule("deny file-write*", [path], "subpath"))
            lines.append(_rule("allow file-read*", [path], "subpath"))
        else:
            lines.append(_rule("deny file-read* file-write*", [path], "subpath"))
    kept = [path for path, access in plan.outermost_first if access is Access.READ]
    pinned = {parent for path in kept for parent in path.parents if _writable(plan, parent)}
    if pinned:  # what holds a file that stays may not be renamed away from around it
        lines.append(_rule("deny file-write-unlink", sorted(pinned), "literal"))
    if not network:
        lines.append("(deny network*)")
    lines += [
        "(deny process-info* (target others))",
        "(deny signal (target others))",
        "(allow signal (target children))",
    ]
    return "\n".join(lines)


def _writable(plan: Layout, path: Path) -> bool:
    return any(plan.access.get(each) is Access.WRITE for each in (path, *path.parents))


def _rule(what: str, paths: Iterable[Path | str], how: str) -> str:
    return f"({what} {' '.join(f'({how} {_text(str(path))})' for path in paths)})"


def _text(path: str) -> str:
    """A path as a string of the profile language."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def find() -> tuple[str, str]:
    """The program, or why there is none."""
    program = shutil.which("sandbox-exec", path="/usr/bin")
    return (program, "") if program else ("", "the program sandbox-exec is not there")
