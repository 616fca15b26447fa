# mypy: disable-error-code="empty-body"
"""The hook that the shell brings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.session import Session


@hookspec(deadline=60, strict=True)
async def wrap_command(argv: Sequence[str], directory: Path, session: Session, terminal: bool) -> Sequence[str] | None:
    """Put a program around a command line that is about to be started: a sandbox, a container, another machine.

    `terminal` says that it is given the user's own terminal, which it must not type into (ioctl_tty(2), TIOCSTI).
    Asked for every command of the tool, whoever called it. Whoever fails here keeps the command from being started.
    """
