"""`mimo agent list`."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from mimocode_plugins.crew.assets import say
from mimocode_plugins.crew.authoring import near

from .sources import unsaid

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Agent


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--all", action="store_true", help="also those that only the program itself calls")


async def run(chosen: argparse.Namespace, host: Host) -> int:
    """Print the agents; what was left out goes to stderr."""
    found = [agent for agent in (await host.agents()).values() if chosen.all or not agent.hidden]
    if chosen.format == "json":
        text = json.dumps([_plain(agent) for agent in found], indent=2, ensure_ascii=False) + "\n"
    else:
        text = "".join(lines(agent) for agent in found)
    say(text)
    sys.stderr.write("".join(f"mimo: {line}\n" for line in unsaid(host)))
    return 0


def lines(agent: Agent) -> str:
    """An agent as a person reads it."""
    said = [f"{agent.name} ({agent.mode})"]
    if agent.description:
        said.append(f"  {agent.description}")
    details = [f"model {agent.model}"] * bool(agent.model) + [f"at most {agent.steps} steps"] * bool(agent.steps)
    details += ["only looks"] * bool(agent.options.get("read_only"))
    if permission := agent.options.get("permission"):
        details.append(f"permission {json.dumps(permission)}")
    said += [f"  {line}" for line in details]
    return "\n".join([*said, f"  from {near(agent.source)}"]) + "\n"


def _plain(agent: Agent) -> dict[str, object]:
    return {
        "name": agent.name,
        "mode": agent.mode,
        "description": agent.description,
        "model": agent.model,
        "steps": agent.steps,
        "hidden": agent.hidden,
        "tools": dict(agent.tools),
        "options": dict(agent.options),
        "source": agent.source,
    }
