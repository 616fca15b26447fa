# mypy: disable-error-code="empty-body"
"""The hook that language servers and formatters bring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host


@hookspec(strict=True)
async def confine_program(argv: Sequence[str], scratch: Path, host: Host) -> Sequence[str] | None:
    """Put a sandbox around a language server or a formatter, when somebody else than the user may have made it.

    Args:
        argv: its command line; the program is an absolute path.
        scratch: a directory of the caller's for what the sandbox needs; gone when the program is.

    None: it is started as it is. Whoever fails here keeps it from being started.
    """
