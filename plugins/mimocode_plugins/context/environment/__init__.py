"""Tells the model where it works: directory, project root, branch, system, shell and the day.

The block is written once, when a window opens, and stays as it is: what changes later (the branch, the day) would
cost the provider's cache and can be asked for with a command.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl
from mimocode.messages import Part

if TYPE_CHECKING:
    from mimocode.session import Session

RANK = 20


@hookimpl
def find_root(directory: Path) -> Path | None:
    """The nearest ancestor that is a git work tree; never the home directory or anything above it."""
    from .place import work_tree

    return work_tree(directory, Path.home())


@hookimpl
def contribute(session: Session) -> Iterable[Part]:
    """One block that describes the place."""
    from .place import describe

    settings = session.host.settings
    user = settings["username"] if "username" in settings else None  # noqa: SIM401  not a dict
    return [Part(describe(session.directory, session.host.root, user=user or ""), RANK, "environment")]
