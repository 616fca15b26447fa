# mypy: disable-error-code="empty-body"
"""The hook that this plugin brings: whoever knows the past of a project hands it over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host

    from ..ports import Past


@hookspec(deadline=30)
async def open_past(host: Host) -> Past | None:
    """Hand over the sessions of the project, and say what a secret is."""
