# mypy: disable-error-code="empty-body"
"""The hooks that the terminal brings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session


@hookspec()
async def offer_mentions(host: Host) -> Iterable[tuple[str, str]]:
    """Offer what may be named in the middle of a prompt: what to write, with its sign (`@` or `/`), and a summary."""


@hookspec()
async def show_work(session: Session) -> Iterable[tuple[int, str, str, float]]:
    """Show who works and on what: depth in your tree, state, a line, Unix time of the last sign of life (0: none)."""
