"""How many tokens each plugin adds to every request: its parts of the system prompt and its tools.

A session is opened on a log in memory and asked what a new window would hold. Nothing is written to the store and no
model is asked; tool servers are connected where that is how they say what they offer, as for any session.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from mimocode import hookspecs as on
from mimocode.events import SessionStarted
from mimocode.messages import ToolSpec

if TYPE_CHECKING:
    from mimocode.host import Host

PER_TOKEN = 4
"""Characters, a rough average: enough to compare plugins with each other."""

Weights = dict[str, Counter[str]]
"""By plugin: estimated tokens of its "prompt" and of each of its tool servers."""


async def weigh(host: Host) -> Weights:
    """Estimated tokens that every request carries, by plugin and what they are for."""
    from mimocode.session import Session, opened
    from mimocode.testing import MemoryStore

    weights: Weights = defaultdict(Counter)
    agent = await host.agent()
    session = Session(host, "weighing", MemoryStore(), agent)
    await session.emit(SessionStarted(str(session.directory), agent.name))
    async with opened(session):
        await session.toolbox.ready()
        for spec in session.toolbox.offered(agent):
            weights[session.toolbox.provider(spec.name)][f"tools {spec.server}"] += _tool(spec)
        for plugin, parts in await session.hooks.collect_named(on.contribute, session=session):
            weights[plugin]["prompt"] += sum(tokens(part.text) for part in parts)
    return weights


def tokens(text: str) -> int:
    """An estimate of the tokens of a text."""
    return -(-len(text) // PER_TOKEN)


def _tool(spec: ToolSpec) -> int:
    """What a model is told of a tool: name, description, arguments."""
    return tokens(msgspec.json.encode((spec.name, spec.description, spec.schema)).decode())
