# mypy: disable-error-code="empty-body"
"""The hook that the terminal brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host


@hookspec()
async def offer_mentions(host: Host) -> Iterable[tuple[str, str]]:
    """Offer what may be named in the middle of a prompt: what to write, with its sign (`@` or `/`), and a summary."""
