# mypy: disable-error-code="empty-body"
"""The hook that this plugin brings: somebody who keeps what a login gave."""

from __future__ import annotations

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
