# mypy: disable-error-code="empty-body"
"""The hook that this plugin brings: somebody who knows what time it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host

    from .times import Clock


@hookspec()
async def find_clock(host: Host) -> Clock | None:
    """Bring the clock that schedules go by; the first one counts."""
