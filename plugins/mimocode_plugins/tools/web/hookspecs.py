# mypy: disable-error-code="empty-body"
"""The hook that the web brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host


@hookspec(deadline=60, foreseen=True)
async def fetch_public(url: str, room: int, host: Host) -> bytes | None:
    """Get what lies at an address of the public web, at most `room` bytes, or say why it cannot be had.

    For plugins that need something from an address of the user's: nothing on this machine or in its network is
    reached unless the user's setting `webfetch` names it, whatever names resolve to and redirects say.
    """
