"""`mimo mcp list | add | remove | approve | debug` (surface 9.5)."""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import MimoError, UsageError

from .known import Known, known, words

if TYPE_CHECKING:
    from mimocode.host import Host

PATIENCE = 20.0
"""Seconds that a server gets to answer `mimo doctor`."""


def list_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mimo mcp list`."""
    parser.add_argument("--offline", action="store_true", help="do not connect")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `mimo mcp add`."""
    parser.description = "Without arguments, at a terminal, it asks."
    # Not optional for the parser, which would then not find them behind options; but nobody has to give them.
    parser.add_argument("name", default="").required = False
    what = parser.add_argument(
        "what", nargs="+", default=[], help="the address, or after -- the command with arguments"
    )
    what.required = False
    pairs: dict[str, Any] = {"action": "append", "metavar": "NAME=VALUE"}
    parser.add_argument("-e", "--env", **pairs, default=[], help="a variable; repeatable")
    parser.add_argument("-H", "--header", **pairs, default=[], help='a header, also "Name: value"; repeatable')
    parser.add_argument("-t", "--transport", choices=("stdio", "http", "sse"), help="default: what it looks like")
    parser.add_argument("--client-id", metavar="ID", help="for servers that register nobody: who we are to them")
    parser.add_argument("--client-secret", metavar="SECRET", help="its secret; {env:NAME} keeps it out of the file")
    parser.add_argument("--project", action="store_true", help="in this project's settings, not in yours")
    parser.add_argument("-s", "--scope", choices=("local", "user", "project"), help="project is --project")


def name_argument(parser: argparse.ArgumentParser) -> None:
    """The name of a server."""
    parser.add_argument("name")


async def list_(args: argparse.Namespace, host: Host) -> int:
    """One line per server: how it is, what it is, who configured it."""
    lines, odd = await health(host, args.offline)
    for line in lines:
        _say(line)
    for sentence in odd:
        _complain(sentence)
    if not lines and not odd:
        _complain("there are no MCP servers; add one with `mimo mcp add NAME -- COMMAND`")
    return 0


async def health(host: Host, offline: bool) -> tuple[list[str], list[str]]:
    """A line per server, and sentences about what is wrong. Connects to each, unless `offline`."""
    servers, odd = known(host)
    states = await asyncio.gather(*(_state(server, host, offline) for server in servers))
    lines = [
        "  ".join(word for word in (state, server.name, server.shown, f"({server.origin})") if word)
        for server, (state, _) in zip(servers, states, strict=True)
    ]
    return lines, [*(said for _, said in states if said), *odd]


async def findings(host: Host) -> list[tuple[str, str, str, str]]:
    """For `mimo doctor`: whether each server answers and lists its tools."""
    servers, odd = known(host)
    return [
        *await asyncio.gather(*(_finding(server, host) for server in servers)),
        *(("fail", "mcp", sentence, "`mimo config explain mcp` says where it is written") for sentence in odd),
    ]


async def _finding(server: Known, host: Host) -> tuple[str, str, str, str]:
    said = ""
    try:
        async with asyncio.timeout(PATIENCE):
            state, said = await _state(server, host, offline=False)
    except TimeoutError:
        state = f"✗ did not answer in {PATIENCE:g} s"
    mark, _, words = state.partition(" ")
    level = {"✗": "fail", "⚠": "warn"}.get(mark, "ok")
    fix = f"`mimo mcp {'auth' if level == 'warn' else 'debug'} {server.name}`" if level != "ok" else ""
    return level, "mcp", f"{server.name}: {said or words}", fix


async def _state(server: Known, host: Host, offline: bool) -> tuple[str, str]:
    if server.waits:
        return f"- {server.waits}", ""
    if offline:
        return "?", ""
    from .server import listing

    try:
        tools = (await listing(server, host))["tools"]
    except MimoError as error:
        return "⚠ needs login" if f"mcp auth {server.name}" in str(error) else "✗ failed", str(error)
    return f"✓ {len(tools)} tool{'s' * (len(tools) != 1)}", ""


async def add(args: argparse.Namespace, host: Host) -> int:
    """Write an entry into the settings; what is not said is asked, where somebody sits at a terminal."""
    from .settingsfile import choose, put

    if not args.name or not args.what:
        from .asking_person import complete

        await complete(args, host)
    if not args.name.replace("-", "").replace("_", "").isalnum() or not args.name.isascii():
        raise UsageError("a name has letters, digits, - and _ only")
    file = choose(host.root if args.project or args.scope == "project" else host.paths.config)
    put(file, "mcp", args.name, _entry(args))
    _say(f"added {args.name} to {file}")
    return 0


def _entry(args: argparse.Namespace) -> dict[str, Any]:
    first, remote = args.what[0], args.transport in ("http", "sse")
    if len(args.what) == 1 and (remote or re.match(r"[a-z][a-z0-9+.-]*://", first)):
        if not first.startswith(("http://", "https://")):
            raise UsageError(f"{first} is no address: it must begin with http:// or https://")
        if args.env:
            raise UsageError("--env is for servers that run here; an address takes --header")
        entry: dict[str, Any] = {"type": "sse" if args.transport == "sse" else "remote", "url": first}
        if args.header:
            entry["headers"] = _pairs([re.sub(r"^([\w-]+):\s*", r"\1=", text) for text in args.header])
        said = {"clientId": args.client_id, "clientSecret": args.client_secret}
        if oauth := {key: value for key, value in said.items() if value}:
            entry["oauth"] = oauth
        return entry
    if remote or args.header:
        raise UsageError("--transport http, --transport sse and --header are for servers at an address")
    entry = {"type": "local", "command": words(args.what)}
    if args.env:
        entry["environment"] = _pairs(args.env)
    return entry


async def remove(args: argparse.Namespace, host: Host) -> int:
    """Take an entry out of the settings: the project's, else the user's."""
    from .settingsfile import choose, drop

    for folder in (host.root, host.paths.config):
        if drop(file := choose(folder), "mcp", args.name):
            _say(f"removed {args.name} from {file}")
            return 0
    others = [server.origin for server in known(host)[0] if server.name == args.name]
    hint = f"; it comes from {others[0]}" if others else ""
    raise UsageError(f'there is no MCP server "{args.name}" in your settings or the project\'s{hint}')


async def approve(args: argparse.Namespace, host: Host) -> int:
    """Show what a server says of its tools now, and take it on."""
    from .consent import settle
    from .server import listing

    server = named(args.name, host)
    listed = (await listing(server, host))["tools"]
    changed = settle(host.paths, server, listed).changed
    for tool in listed:
        if tool["name"] in changed:
            _say(f"{tool['name']}: {ascii(tool.get('description') or '')[1:-1]}")
    settled = settle(host.paths, server, listed, approve=True)
    _say(f"{len(settled.offered)} tools of {server.name} are offered; {len(changed)} had changed")
    return 0


async def debug(args: argparse.Namespace, host: Host) -> int:
    """Connect, and say what happens."""
    from .reaching.server import Heard, connected, log_of, reason

    server = named(args.name, host)
    _say(f"{server.name}: {server.shown} ({server.origin})")
    if server.url and server.oauth is not None:
        from .signing import state

        _say(await state(server, host))
    start, heard = time.monotonic(), Heard()
    log = log_of(server, host.paths.state)
    before = log.stat().st_size if log.exists() else 0
    try:
        async with asyncio.timeout(server.timeout), connected(server, host, heard=heard) as client:
            who = client.server_info
            _say(f"connected in {time.monotonic() - start:.2f} s, protocol {client.protocol_version}")
            _say(f"it calls itself {who.name} {who.version}" if who else "it does not say who it is")
            for tool in (await client.list_tools()).tools:
                _say(f"tool {tool.name}")
    except TimeoutError:
        _complain(f"no answer in {server.timeout:g} s")
    except Exception as error:
        if heard.status:
            _say(f"HTTP {heard.status}" + f", WWW-Authenticate: {ascii(heard.challenge)[1:-1]}" * bool(heard.challenge))
        _complain(reason(error, server, host.paths.state, heard))
    else:
        return 0
    _tail(log, before)
    return 1


def _tail(log: Path, start: int) -> None:
    if log.exists():
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - 4000))
            sys.stderr.write(file.read().decode("utf-8", "backslashreplace"))


def named(name: str, host: Host) -> Known:
    """The server of that name.

    Raises:
        UsageError: there is none, or it is not used.
    """
    servers, odd = known(host)
    for server in servers:
        if server.name == name:
            if server.waits:
                raise UsageError(f'the MCP server "{name}" is not used: {server.waits}')
            return server
    said = next((sentence for sentence in odd if f'"{name}"' in sentence), "")
    names = ", ".join(server.name for server in servers) or "none"
    raise UsageError(said or f'there is no MCP server "{name}"; there is {names}')


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in given)
    if "" in pairs or not all("=" in text for text in given):
        raise UsageError("write NAME=VALUE")
    return pairs


def _say(text: str) -> None:
    sys.stdout.write(_visible(text) + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"mimo: {_visible(text)}\n")


def _visible(text: str) -> str:
    """What a server says of itself or complains about must not command the terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)
