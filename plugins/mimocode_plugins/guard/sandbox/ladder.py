"""Which sandbox this machine can really make: every rung is tried with a real command, from the best one down.

The verdict is kept with our state until the machine is started anew, its kernel or the sandbox program changes, or a
day has gone by; one that is not the best only for minutes. A rung that the settings name is the only one tried.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

LASTS, DOUBTED = 86_400.0, 600.0
"""Seconds that a verdict holds, and one that found something wrong: that may have been a busy machine."""
_PATIENCE = 10.0
_TRIAL = """
echo written > "$1/inside" || exit 11
(echo written > "$2/outside") 2>/dev/null && exit 12
cat "$2/secret" 2>/dev/null && exit 13
exit 0
"""
_SAYS = {
    11: "what has to be writable is not",
    12: "it does not keep commands from writing outside of the project",
    13: "it does not hide what has to be hidden",
}


@dataclass(frozen=True)
class Verdict:
    """What holds commands: the name of a rung ("" is none), its program, and why better ones do not."""

    rung: str
    program: str = ""
    why: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rung:
    """A way to make a sandbox: `find` says where its program is, or why there is none; `trial` runs a command in it."""

    name: str
    find: Callable[[], tuple[str, str]]
    trial: Callable[[str, Path, Path], list[str]]


def verdict(state: Path, only: str = "", fresh: bool = False) -> Verdict:
    """What this machine can do, from what is kept when that still holds."""
    file, key = state / "sandbox.json", f"{_machine()} {only}"
    if not fresh:
        with suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(file.read_text("utf-8"))
            said = kept["verdict"]
            if kept["key"] == key and 0 <= time.time() - kept["at"] < (DOUBTED if said["why"] else LASTS):
                return Verdict(str(said["rung"]), str(said["program"]), tuple(map(str, said["why"])))
    found = climb(only)
    with suppress(OSError):
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = file.with_name(f"sandbox.json.{os.getpid()}")
        beside.write_text(json.dumps({"key": key, "at": time.time(), "verdict": asdict(found)}), "utf-8")
        beside.replace(file)
    return found


def climb(only: str = "", rungs: Sequence[Rung] | None = None) -> Verdict:
    """Try the rungs of this system, or those given."""
    why: list[str] = []
    for rung in rungs_here() if rungs is None else rungs:
        if only and rung.name != only:
            continue
        program, lacks = rung.find()
        lacks = lacks or (_tried(rung, program) and _tried(rung, program))  # once more: a machine may be busy
        if not lacks:
            return Verdict(rung.name, program, tuple(why))
        why.append(f"{rung.name}: {lacks}")
    return Verdict("", "", tuple(why) or (f"{only or 'any sandbox'}: not known on {platform.system()}",))


def _tried(rung: Rung, program: str) -> str:
    """Why a rung does not hold; "" if it does."""
    with _grounds() as (inside, outside):
        try:
            done = subprocess.run(
                rung.trial(program, inside, outside), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                errors="replace", timeout=_PATIENCE, check=False, cwd="/",
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        if done.returncode == 0 and (inside / "inside").is_file() and not (outside / "outside").exists():
            return ""
        said = (done.stderr or done.stdout).strip().splitlines()
        return _SAYS.get(done.returncode, said[-1] if said else f"it ended with exit code {done.returncode}")


@contextmanager
def _grounds() -> Iterator[tuple[Path, Path]]:
    """A directory that may be written, and one with a secret that may neither be written nor read."""
    with tempfile.TemporaryDirectory(prefix="mimocode-probe-") as name:
        inside, outside = Path(name).resolve() / "inside", Path(name).resolve() / "outside"
        inside.mkdir()
        outside.mkdir()
        (outside / "secret").write_text("secret")
        yield inside, outside


def _trial(inside: Path, outside: Path) -> list[str]:
    return ["/bin/sh", "-c", _TRIAL, "sh", str(inside), str(outside)]


def _find_bubblewrap() -> tuple[str, str]:
    program = shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin")
    program = program or shutil.which("bwrap")
    return (program, "") if program else ("", "the program bwrap is not there; the package is called bubblewrap")


def _rung(kind: ModuleType, find: Callable[[], tuple[str, str]]) -> Rung:
    """A rung whose trial is the command line that it would make for a session."""

    def trial(program: str, inside: Path, outside: Path) -> list[str]:
        from .layout import Access, Layout

        plan = Layout(inside, (), {inside: Access.WRITE, outside: Access.READ, outside / "secret": Access.HIDE})
        none = outside.parent / "none"
        none.touch(mode=0o000)
        words: list[str] = kind.command(program, plan, none, Path("/"), _trial(inside, outside), False)
        return words

    return Rung(kind.NAME, find, trial)


def module(name: str) -> ModuleType:
    """The module of a rung, by its name; each makes command lines."""
    return import_module(f".{name}", __package__)


def rungs_here() -> Sequence[Rung]:
    """The rungs of this system, the best one first."""
    if sys.platform == "linux":
        from . import bubblewrap, landlock

        return _rung(bubblewrap, _find_bubblewrap), _rung(landlock, landlock.find)
    if sys.platform == "darwin":
        from . import seatbelt

        return (_rung(seatbelt, seatbelt.find),)
    return ()


def _machine() -> str:
    """What a verdict depends on."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    program = _find_bubblewrap()[0]
    stamp = ""
    with suppress(OSError):
        stamp = str(Path(program).stat().st_mtime_ns) if program else ""
    space = ""
    with suppress(OSError):
        space = os.readlink("/proc/self/ns/mnt")  # noqa: PTH115 - not a path: "mnt:[4026531841]"
    return f"{platform.release()} {boot} {space} {os.getuid()} {program} {stamp}"
