# mypy: disable-error-code="empty-body"
"""The hooks that this plugin brings: somebody who keeps what a login gave, and somebody who can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from mimocode.hookspecs import hookspec

if TYPE_CHECKING:
    from mimocode.host import Host


class Vault(Protocol):
    """Secrets by name, kept where only the user can read them."""

    async def read(self, name: str) -> str | None:
        """A secret, or None."""

    async def write(self, name: str, secret: str) -> None:
        """Keep a secret."""

    async def delete(self, name: str) -> bool:
        """Forget a secret; False if there was none."""
        ...


@hookspec(deadline=30)
async def open_vault(host: Host) -> Vault | None:
    """Bring a place for secrets."""


class Person(Protocol):
    """Who sits at the terminal. A question that is not answered raises and ends what asked."""

    async def choose(self, question: str, options: Sequence[tuple[str, str]]) -> str:
        """One of (value, text for people)."""
        ...

    async def text(self, question: str, default: str = "") -> str:
        """A line."""
        ...


@hookspec(deadline=5)
async def find_person(host: Host) -> Person | None:
    """Say who can be asked, if anybody sits at a terminal."""
