"""Knows the secrets that the user keeps: in the keyring, in `auth.json`, in MIMOCODE_AUTH_CONTENT; `mimo auth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
async def find_credential(provider: str, host: Host) -> str | None:
    """The key or the access token of a provider, refreshed where that is needed and possible."""
    from .finding import secret

    return await secret(provider, host)


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo auth login | list | logout | whoami`, which the original also calls `mimo providers`."""
    from . import commands as own

    for group in ("auth", "providers"):
        commands.add(f"{group} login", "keep the key of a provider", own.login, own.login_arguments)
        commands.add(f"{group} list", "list the credentials there are, without secrets", own.list_, aliases=("ls",))
        commands.add(f"{group} logout", "forget the credential of a provider", own.logout, own.name_argument)
        commands.add(f"{group} whoami", "say which accounts you are logged in to", own.whoami)
