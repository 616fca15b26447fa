"""The user's own MCP servers: offered at once from what they listed before, watched, and never trusted for hints."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mimocode.hookspecs import hookimpl
from mimocode.ports import Setting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import ModuleType

    from mimocode.host import Host
    from mimocode.main import Commands
    from mimocode.ports import Command, ToolServer
    from mimocode.session import Session


@hookimpl
def register_settings() -> Iterable[Setting]:
    """Claim `mcp`."""
    kind = dict[str, dict[str, Any]]
    return [Setting("mcp", kind, {}, "MCP servers by name, local or remote.", needs_trust=True)]


@hookimpl
def register_hooks() -> ModuleType:
    """Bring `open_vault` and `find_person`: somebody keeps what a login gave, somebody can be asked."""
    from . import hookspecs

    return hookspecs


@hookimpl
async def register_commands(host: Host) -> Iterable[Command]:
    """`/mcps`, and `/server:prompt` for every prompt that a server has."""
    from .prompts import slash

    return slash(host)


@hookimpl
async def take_input(text: str, session: Session) -> str | None:
    """Put in the resources that are mentioned as `@server:uri`."""
    if "@" not in text or (text.startswith("/") and text[1:].split(" ")[0] in await session.host.commands()):
        return None  # what begins with a command is the command's
    from .prompts import mentioned

    return await mentioned(text, session)


@hookimpl(optionalhook=True)
def offer_mentions(host: Host) -> Iterable[tuple[str, str]]:
    """`@server:uri` for every resource that the servers listed last."""
    from .prompts import mentions

    return mentions(host)


@hookimpl(optionalhook=True)
async def check_health(host: Host) -> list[tuple[str, str, str, str]]:
    """For `mimo doctor`: whether the servers answer."""
    from .commands import findings

    return await findings(host)


@hookimpl
def tool_servers(session: Session) -> Iterable[ToolServer]:
    """Offer what the servers are known to have; ask those that are new, or were not asked for a while."""
    from .known import known

    servers, odd = known(session.host)
    if not servers and not odd:
        return []
    from .arriving import Arrivals

    return Arrivals.of(session).offer(servers, odd)


@hookimpl
async def contribute(session: Session) -> None:
    """Before the first window opens, give new servers a moment to say what they have."""
    from .arriving import ARRIVALS

    if arrivals := session.stash.get(ARRIVALS):
        await arrivals.wait()


@hookimpl
@asynccontextmanager
async def session_scope(session: Session) -> AsyncIterator[None]:
    """Stop asking when the session ends."""
    yield
    from .arriving import ARRIVALS

    if arrivals := session.stash.get(ARRIVALS):
        await arrivals.stop()


@hookimpl
def register_cli(commands: Commands) -> None:
    """Add `mimo mcp list | add | remove | approve | auth | logout | debug`."""
    from . import commands as own
    from . import signing

    commands.add("mcp list", "show the MCP servers and how they are", own.list_, own.list_arguments, aliases=["ls"])
    commands.add("mcp add", "add an MCP server to your settings", own.add, own.add_arguments)
    commands.add("mcp remove", "take an MCP server out of your settings", own.remove, own.name_argument)
    commands.add("mcp approve", "accept the tools of a server as they are now", own.approve, own.name_argument)
    commands.add(
        "mcp auth", "log in to a remote server; without a name: who is logged in", signing.auth, signing.auth_arguments
    )
    commands.add("mcp logout", "forget the login at a remote server", signing.logout, own.name_argument)
    commands.add("mcp debug", "connect to one server and show what happens", own.debug, own.name_argument)
