# mypy: disable-error-code="empty-body"
"""The hook that this plugin brings: somebody who knows which texts mean the same in other words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host


@hookspec(deadline=15)
async def find_alike(query: str, texts: Callable[[], Mapping[int, str]], host: Host) -> Mapping[int, float] | None:
    """Say how alike entries are to a query, from 0 to 1; `texts` gives those that are searched, newest first."""
