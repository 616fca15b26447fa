"""`mimo agent create`, `show` and `validate`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mimocode.errors import UsageError
from mimocode_plugins.crew.assets import say
from mimocode_plugins.crew.authoring import checked, declare, place, quoted, write

from .definition import MODES
from .sources import complaints

if TYPE_CHECKING:
    from mimocode.host import Host

PROMPT = """\
Say here what this agent is for, how it works, and what its answer looks like.
"""


def create_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    declare(parser)
    parser.add_argument("--mode", choices=MODES, default="all", help="who may call it; default: you and other agents")
    parser.add_argument("--model", default="", metavar="PROVIDER/MODEL")
    parser.add_argument("--tools", default="", metavar="NAME,...", help="nothing but these tools")
    parser.add_argument("--read-only", action="store_true", help="it looks and changes nothing")


async def create(chosen: argparse.Namespace, host: Host) -> int:
    """Write a new agent."""
    name = checked(chosen.name)
    lines = [f"description: {quoted(chosen.description or 'Say when to use this agent.')}", f"mode: {chosen.mode}"]
    lines += [f"model: {quoted(chosen.model)}"] * bool(chosen.model)
    if tools := [tool.strip() for tool in chosen.tools.split(",") if tool.strip()]:
        lines.append(f"tool_allowlist: [{', '.join(map(quoted, tools))}]")
    if chosen.read_only:
        lines += ["read_only: true", "permission:", "  edit: deny"]
    text = "\n".join(["---", *lines, "---", PROMPT])
    write(place(host, "agents", everywhere=chosen.everywhere) / f"{name}.md", text, force=chosen.force)
    return 0


async def show(chosen: argparse.Namespace, host: Host) -> int:
    """Print an agent as it is after all sources were put together."""
    from .listing import lines

    agent = await host.agent(chosen.name)
    say(lines(agent))
    tools = [tool for tool, on in agent.tools.items() if on and tool != "*"]
    if agent.tools.get("*") is False:
        say(f"  only the tools {', '.join(tools) or '(none)'}\n")
    say(f"\n{agent.prompt or '(no prompt of its own)'}\n")
    return 0


async def validate(chosen: argparse.Namespace, host: Host) -> int:
    """Say what is wrong with agent files; 1 if anything is."""
    problems = await wrong(chosen.name, host)
    for line in problems:
        say(f"{line}\n")
    if not problems:
        named = ", ".join(chosen.name) or f"all {len(await host.agents())} agents"
        say(f"{named}: nothing to complain about\n")
    return 1 if problems else 0


async def wrong(names: Sequence[str], host: Host) -> list[str]:
    """What is wrong with these agents, or with all.

    Raises:
        UsageError: there is no agent of such a name.
    """
    agents = await host.agents()
    problems = complaints(host)
    if names:
        problems = [line for line in problems if any(_about(line, name) for name in names)]
        gone = [name for name in names if name not in agents and not any(_about(line, name) for line in problems)]
        if gone:
            raise UsageError(f"there is no agent {gone[0]!r}; `mimo agent list` shows those there are")
    return problems


def _about(line: str, name: str) -> bool:
    return f"/{name}.md" in line or f"the agent {name} " in line
