"""What users reach of servers by hand: prompts as slash commands, resources as `@server:uri` (surface 9.2)."""

from __future__ import annotations

import asyncio
import re
import shlex
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError
from mimocode.ports import Command

from .consent import kept
from .known import Known, known

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

_MENTION = re.compile(r"(?<!\S)@([\w.-]+):(\S+)")
_LONGEST = 100_000
"""Characters of a resource that are put in."""
_MENTIONS = 20


def slash(host: Host) -> list[Command]:
    """`/mcps` and the prompts that the servers listed last."""
    commands = [Command("mcps", "how the MCP servers are", _mcps)]
    for server in known(host)[0]:
        if not server.waits:
            commands += [_command(server, prompt) for prompt in kept(host.paths, server, "prompts")]
    return commands


def mentions(host: Host) -> list[tuple[str, str]]:
    """What stands for each resource in a message, and what is said of it."""
    found = []
    for server in known(host)[0]:
        for item in [] if server.waits else kept(host.paths, server, "resources"):
            about = str(item.get("description") or item.get("title") or item.get("name") or "")
            found.append((f"@{server.name}:{item.get('uri', '')}", f"{about[:200]} ({server.name})"))
    return found


async def _mcps(arguments: str, session: Session) -> None:
    from .commands import health

    lines, odd = await health(session.host, offline=False)
    await session.notice("mcp", "\n".join([*lines, *odd]) or "there are no MCP servers", "info")


def _command(server: Known, prompt: dict[str, Any]) -> Command:
    takes = [argument for argument in prompt.get("arguments") or [] if isinstance(argument, dict)]
    shown = " ".join(f"<{a['name']}>" if a.get("required") else f"[{a['name']}]" for a in takes)
    summary = str(prompt.get("description") or prompt.get("title") or "")[:200]

    async def run(arguments: str, session: Session) -> str:
        from .server import prompt as get

        return await get(server, session, prompt["name"], given(takes, arguments, f"/{server.name}:{prompt['name']}"))

    return Command(f"{server.name}:{prompt['name']}".replace(" ", "_"), f"{summary} ({server.name})", run, shown)


def given(takes: list[dict[str, Any]], text: str, command: str) -> dict[str, str]:
    """Arguments by name from what stands behind a command: words in order, the last takes the rest.

    Raises:
        UsageError: one that is required is missing.
    """
    if len(takes) == 1 and not text.lstrip().startswith(('"', "'")):
        words = [text.strip()] if text.strip() else []
    else:
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
    if len(words) > len(takes):
        words = [*words[: len(takes) - 1], " ".join(words[len(takes) - 1 :])] if takes else []
    named = {argument["name"]: word for argument, word in zip(takes, words, strict=False)}
    if missing := [a["name"] for a in takes if a.get("required") and a["name"] not in named]:
        raise UsageError(f"{command} needs {', '.join(missing)}: write {command} {' '.join(a['name'] for a in takes)}")
    return named


async def mentioned(text: str, session: Session) -> str | None:
    """The text with the resources behind it that it mentions; None if it mentions none that can be had."""
    servers = {server.name: server for server in known(session.host)[0] if not server.waits}
    found = {(name, uri) for name, uri in _MENTION.findall(text) if name in servers}
    found = {(name, uri if _listed(servers[name], uri, session) else uri.rstrip(".,;:!?)")) for name, uri in found}
    wanted = sorted(found)[:_MENTIONS]
    if not wanted:
        return None
    read = await asyncio.gather(*(_read(servers[name], uri, session) for name, uri in wanted))
    parts = [part for part in read if part]
    return "\n\n".join([text, *parts]) if parts else None


def _listed(server: Known, uri: str, session: Session) -> bool:
    return any(item.get("uri") == uri for item in kept(session.host.paths, server, "resources"))


async def _read(server: Known, uri: str, session: Session) -> str:
    from .server import resource

    try:
        content = await resource(server, session, uri)
    except MimoError as error:
        await session.notice("mcp", f"@{server.name}:{uri} is left out: {error}", "warning")
        return ""
    cut = f"\n[cut: {len(content)} characters in all]" if len(content) > _LONGEST else ""
    return f'<resource server="{server.name}" uri="{uri}">\n{content[:_LONGEST]}{cut}\n</resource>'
