"""Finds the workspace: where the project begins, where files are kept, and what the settings files say."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Workspace


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `find_root`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def open_workspace(host: Host) -> Workspace:
    """Settings of surface 3.1, directories of surface 4.1."""
    from pathlib import Path

    from mimocode.ports import Workspace

    from .hookspecs import find_root
    from .layers import Reader
    from .places import places

    found = host.hooks.collect_now(find_root, directory=host.directory)
    root = Path(found[0][1]) if found else host.directory
    kept = places(host.environ)
    overrides = host.options.get("settings", {})
    return Workspace(root, kept, Reader(kept, host.directory, root, host.environ, overrides))
