"""Finds the workspace: where it begins, where files are kept, what the settings say, whether the user trusts it."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.ports import Workspace


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `find_root` and `find_variables`."""
    from . import hookspecs

    return hookspecs


@hookimpl
def open_workspace(host: Host) -> Workspace:
    """Settings of surface 3.1, directories of surface 4.1, trust of surface 14.1."""
    from pathlib import Path

    from .hookspecs import find_root, find_variables
    from .layers import Reader
    from .places import home, places
    from .sources import organisations
    from .trust import Trust, Trusted

    found = host.hooks.collect_now(find_root, directory=host.directory)
    root = Path(found[0][1]) if found else host.directory
    kept = places(host.environ)
    overrides = host.options.get("settings", {})
    environ = host.environ
    if organisations(kept):
        tokens = host.hooks.collect_now(find_variables, data=kept.data, environ=environ)
        environ = {name: value for _, found in tokens for name, value in found.items()} | {**environ}
    trust = Trust(root.resolve(), host.directory, kept.data / "trusted-workspaces.json", home(host.environ).resolve())
    host.trusted = host.trusted or trust.given
    return Trusted(root, kept, Reader(kept, host.directory, root, environ, overrides, report=host.report), trust=trust)


@hookimpl
def register_cli(commands: Commands) -> None:
    """`mimo trust`."""
    from .commands import arguments, trust

    commands.add("trust", "see and decide what this folder may load and run", trust, arguments)
