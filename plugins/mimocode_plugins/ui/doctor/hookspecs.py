# mypy: disable-error-code="empty-body"
"""The hook that `mimo doctor` brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host


@hookspec(deadline=30)
async def check_health(host: Host) -> Iterable[tuple[str, str, str, str]]:
    """Look at what you need: (level, what, finding, fix), where the level is "ok", "warn" or "fail"; no secrets."""
