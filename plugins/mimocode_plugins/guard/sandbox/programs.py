"""Programs that this process runs itself are never looked for where commands may write.

With a virtual environment of the project's on PATH, a command could put a `git` or `rg` of its own there: inside of the
sandbox, for us to run outside of it. So our own PATH loses such directories for as long as commands are held in a
sandbox; the commands keep them. Relative entries mean the project, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.host import Host


@dataclass
class Kept:
    """PATH as the user has it, and the sessions whose commands are held."""

    path: str
    holders: set[str] = field(default_factory=set)
    writable: list[Path] = field(default_factory=list)
    """Where the commands of any of them may write."""


_KEPT: StashKey[Kept] = StashKey("guard.sandbox.programs")


def hold(host: Host, session: str, writable: Iterable[Path]) -> None:
    """From now on programs come from elsewhere only.

    Args:
        host: whose sessions share this process; its option `path` is what the user has, for what the user named.
        session: in which commands are held.
        writable: where commands may write.
    """
    kept = host.stash.setdefault(_KEPT, Kept(os.environ.get("PATH", "")))
    kept.holders.add(session)
    kept.writable += [real for each in writable if (real := Path(os.path.realpath(each))) not in kept.writable]
    host.options["path"] = kept.path
    os.environ["PATH"] = without(os.environ.get("PATH", ""), kept.writable)


def release(host: Host, session: str) -> None:
    """The commands of a session are not held any more; after the last one everything is as it was."""
    kept = host.stash.get(_KEPT)
    if kept is None:
        return
    kept.holders.discard(session)
    if not kept.holders:
        os.environ["PATH"] = host.options.pop("path")
        del host.stash[_KEPT]


def made_by_commands(program: Path, host: Host) -> bool:
    """Whether commands that are held may have put a program where it is."""
    kept = host.stash.get(_KEPT)
    return kept is not None and any(_in(str(each), kept.writable) for each in (program.parent, program.resolve()))


def path_of_commands(host: Host) -> str:
    """What commands find programs with, when that is not what we do; "" otherwise."""
    kept = host.stash.get(_KEPT)
    return kept.path if kept is not None and kept.path != os.environ.get("PATH") else ""


def without(path: str, writable: Iterable[Path]) -> str:
    """A PATH without relative entries, and without what lies in these directories."""
    roots = [Path(os.path.realpath(each)) for each in writable]
    return os.pathsep.join(each for each in path.split(os.pathsep) if Path(each).is_absolute() and not _in(each, roots))


def _in(entry: str, roots: Iterable[Path]) -> bool:
    real = Path(os.path.realpath(entry))
    return any(root == real or root in real.parents or root in Path(entry).parents for root in roots)
