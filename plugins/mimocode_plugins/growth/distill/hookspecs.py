# mypy: disable-error-code="empty-body"
"""The hooks that this plugin brings: who knows the past, who loads what is written, who tries a command out safely."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..ports import Past


@hookspec(deadline=30)
async def open_past(host: Host) -> Past | None:
    """Hand over the sessions of the project, and say what a secret is."""


@hookspec(foreseen=True)
async def load_asset(kind: str, name: str, host: Host) -> Sequence[str] | None:
    """Load a "skill", "agent", "command" or "workflow" of the host's project as ever, and say what is wrong with it.

    An empty list: nothing. Not of your kind: None. A `MimoError` says it, too.
    """


@hookspec()
async def doubt_command(command: str, host: Host) -> str | None:
    """Say why a shell command is not to be run for a trial: "it deletes ..."; None where nothing speaks against it."""


@hookspec(strict=True)
async def confine_trial(argv: Sequence[str], directory: Path, scratch: Path, host: Host) -> Sequence[str] | None:
    """Put a sandbox around a command that is only tried: it writes in `directory` alone and has no network.

    Args:
        directory: a copy of the project, where the command starts.
        scratch: an empty directory of the caller's for what the sandbox needs; gone afterwards.

    None where there is no sandbox: the command is then not run.
    """
