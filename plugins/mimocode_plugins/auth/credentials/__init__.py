"""Knows the secrets that the user keeps: in the keyring, in `auth.json`, in MIMOCODE_AUTH_CONTENT; `mimo auth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from mimocode.host import Host
    from mimocode.main import Commands


@hookimpl
async def find_credential(provider: str, host: Host) -> str | None:
    """The key or the access token of a provider, refreshed where that is needed and possible."""
    from .finding import secret

    return await secret(provider, host)


@hookimpl(optionalhook=True)
async def check_health(host: Host) -> list[tuple[str, str, str, str]]:
    """For `mimo doctor`: where secrets are kept."""
    import asyncio

    from .health import look

    return await asyncio.to_thread(look, host)


@hookimpl(optionalhook=True)
def find_variables(data: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The tokens of logins at an organisation, for references in its settings."""
    from .wellknown import variables

    return variables(data, environ)


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo auth login | list | logout | whoami`, which the original also calls `mimo providers`."""
    for group in ("auth", "providers"):
        commands.add(f"{group} login", "keep the key of a provider, or log in at an organisation", _login, _optional)
        commands.add(f"{group} list", "list the credentials there are, without secrets", _list, aliases=("ls",))
        commands.add(f"{group} logout", "forget the credential of a provider", _logout, _named)
        commands.add(f"{group} whoami", "say which accounts you are logged in to", _whoami)


def _optional(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "provider",
        nargs="?",
        metavar="PROVIDER|URL",
        help="as `mimo models` names it: anthropic, xiaomi; or an organisation: https://company.example",
    )
    parser.add_argument("-p", "--provider", dest="named", metavar="PROVIDER", help="the same")
    parser.add_argument("--yes", action="store_true", help="of an organisation: run its command without asking")


def _named(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("provider", metavar="PROVIDER")


async def _login(args: argparse.Namespace, host: Host) -> int:
    from .commands import login

    return await login(args, host)


async def _list(args: argparse.Namespace, host: Host) -> int:
    from .commands import show

    return await show(args, host)


async def _logout(args: argparse.Namespace, host: Host) -> int:
    from .commands import logout

    return await logout(args, host)


async def _whoami(args: argparse.Namespace, host: Host) -> int:
    from .commands import whoami

    return await whoami(args, host)
