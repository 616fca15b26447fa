"""Show the user what is set, why, and where: `mimo config`, and the settings that no other plugin owns yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.main import Commands
    from mimocode.ports import Setting


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim the keys of a settings file that are nobody's yet, so that an existing file loads."""
    from .claims import CLAIMS

    return CLAIMS


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo config show | explain KEY | schema | path`."""
    from . import commands as own

    commands.add("config show", "print the merged settings, secrets masked", own.show)
    commands.add("config explain", "say what a setting is and who set it", own.explain, arguments=own.explain_arguments)
    commands.add("config schema", "print the JSON Schema of a settings file", own.schema)
    commands.add("config path", "list where settings are looked for, low to high", own.path)
