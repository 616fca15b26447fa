"""Keeps what logins at MCP servers gave: in the keyring of the system, else in a file that only the user can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host

    from .vault import Vault


@hookimpl(optionalhook=True)
async def open_vault(host: Host) -> Vault:
    """A place for secrets. The keyring is looked for when the first one is read or written."""
    from .vault import Vault

    return Vault(host.paths.data / "mcp-auth.json")
