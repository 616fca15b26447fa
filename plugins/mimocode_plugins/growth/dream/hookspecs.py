# mypy: disable-error-code="empty-body"
"""The hook that this plugin brings: whoever keeps the memory of a project hands it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..ports import Memory


@hookspec(deadline=30)
async def open_memory(host: Host) -> Memory | None:
    """Hand over what is remembered of the project, to be tidied."""
