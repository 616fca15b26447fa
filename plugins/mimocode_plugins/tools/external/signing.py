"""`mimo mcp auth` and `mimo mcp logout` (surface 9.4, 9.5)."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import webbrowser
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError

from .commands import named
from .hookspecs import Vault, open_vault
from .known import Known, known

if TYPE_CHECKING:
    from mimocode.host import Host


def auth_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mimo mcp auth`."""
    parser.add_argument("name", nargs="?", default="", help="a remote server of your settings")
    parser.add_argument("--no-browser", action="store_true", help="only show the address to open")


async def auth(args: argparse.Namespace, host: Host) -> int:
    """Log in at a server, anew if need be."""
    vault = await _vault(host)
    if not args.name:
        return await _overview(host, vault)
    server = _remote(args.name, host)
    from .login.callback import listening
    from .login.server import REDIRECT
    from .reaching.server import Heard, connected, reason

    async def browse(url: str) -> None:
        sys.stderr.write(f"Log in to {server.name} in your browser:\n{url}\n")
        sys.stderr.flush()
        if not args.no_browser:
            await asyncio.to_thread(webbrowser.open, url)

    heard = Heard()
    assert server.oauth is not None
    async with listening(server.oauth.get("redirectUri") or REDIRECT) as callback:
        try:
            async with connected(server, host, heard=heard, browse=(browse, callback)) as client:
                tools = (await client.list_tools()).tools
        except Exception as error:
            why = reason(error, server, host.paths.state, heard)
            if "registration" in why.lower():
                why += '; if it registers nobody, put the "clientId" it gave you into its "oauth" in the settings'
            raise MimoError(f"the login at {server.name} did not work: {why}") from error
    ways = "logged in to" if await vault.read(server.account) else "no login is needed for"
    sys.stdout.write(f"{ways} {server.name}; it offers {len(tools)} tool{'s' * (len(tools) != 1)}\n")
    return 0


async def logout(args: argparse.Namespace, host: Host) -> int:
    """Forget tokens and registration."""
    server = _remote(args.name, host)
    if not await (await _vault(host)).delete(server.account):
        raise UsageError(f"nobody is logged in to {server.name}")
    sys.stdout.write(f"logged out of {server.name}\n")
    return 0


async def _overview(host: Host, vault: Vault) -> int:
    servers = [server for server in known(host)[0] if server.url and server.oauth is not None]
    for server in servers:
        sys.stdout.write(f"{_state(await vault.read(server.account))}  {server.name}  {server.shown}\n")
    if not servers:
        sys.stderr.write("mimo: there is no remote MCP server that one could log in to\n")
    return 0


async def state(server: Known, host: Host) -> str:
    """Whether somebody is logged in at a server."""
    return _state(await (await _vault(host)).read(server.account))


def _state(text: str | None) -> str:
    try:
        entry: Any = json.loads(text or "{}")
        ends = entry.get("expiresAt")
        if not entry.get("tokens"):
            return "✗ not logged in"
    except (ValueError, AttributeError):
        return "✗ not logged in"
    spent = ends is not None and ends < time.time() and not entry["tokens"].get("refresh_token")
    return "⚠ expired" if spent else "✓ logged in"


def _remote(name: str, host: Host) -> Known:
    server = named(name, host)
    if not server.url:
        raise UsageError(f"{name} runs on this machine: there is nothing to log in to")
    if server.oauth is None:
        raise UsageError(f'{name} has an Authorization header, or "oauth": false, in the settings: no login is used')
    return server


async def _vault(host: Host) -> Vault:
    vault = await host.hooks.first(open_vault, host=host)
    if vault is None:
        raise UsageError("no plugin keeps logins; switch on auth.logins")
    return vault
