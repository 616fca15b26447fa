"""A model that is right in a share of its answers, and a task that takes so many right steps."""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from mimocode import Ruling, Say, Verdict, hookimpl
from mimocode.events import Pulse
from mimocode.messages import ToolCall, Usage, assistant
from mimocode.ports import Agent, Answer, Prompt
from mimocode.testing import Script, play
from mimocode_plugins.judgement import maxmode

MISTAKES = 20
"""Different ways of being wrong."""


class Noisy:
    """Right in `skill` of its answers, else wrong in one of many ways; as a judge it trusts numbers, then chance."""

    ref, window = "script/lines", 200_000

    def __init__(self, seed: int, skill: float) -> None:
        self.chance, self.skill = random.Random(seed), skill

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        if prompt.session.endswith(":max-judge"):
            made = [int(n) for n in re.findall(r'made_by="(\d+) of', prompt.messages[0].text)]
            choice = self.chance.choice([n for n, count in enumerate(made, 1) if count == max(made)])
            yield Answer(assistant(json.dumps({"choice": choice, "reason": "most say so"})), Usage(1, 1))
            return
        right = self.chance.random() < self.skill
        step = sum(message.role == "tool" for message in prompt.messages)
        word = f"right {step}" if right else f"wrong {self.chance.randrange(MISTAKES)}"
        call = ToolCall(f"{step}-{self.chance.random()}", "take", {"what": word})
        yield Answer(assistant("", call), Usage(1, 1), "calls")


class World:
    """A plugin with the model and the one tool that a step is taken with."""

    def __init__(self, model: Noisy) -> None:
        self.model = model

    @hookimpl(tryfirst=True)
    async def wrap_model(self, model: Script) -> Any:
        return self.model

    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)

    @hookimpl
    async def tool_servers(self) -> list[Any]:
        from mcp.server.mcpserver import MCPServer

        server = MCPServer("world")

        @server.tool(structured_output=False)
        async def take(what: str) -> str:
            return "taken"

        return [server]


@dataclass(frozen=True)
class Worked:
    """How a task went: steps that were right before the first wrong one, of how many, and the calls of the model."""

    right: int
    size: int
    calls: int

    @property
    def solved(self) -> bool:
        """Whether every step was right."""
        return self.right == self.size


async def worked(seed: int, skill: float, size: int, candidates: int) -> Worked:
    """Let a noisy model take so many steps, with as many candidates for each; 1 is without Max Mode."""
    wanted = {"max": candidates} if candidates > 1 else {}
    plugins = [maxmode, World(Noisy(seed, skill))]
    async with play(plugins=plugins, agent=Agent("worker"), max_steps=size, **wanted) as session:
        await session.submit(Say("go"))
        await session.settled()
        taken = [call.arguments["what"] for message in session.state.messages for call in message.calls]
        calls = session.state.usage.output
    right = next((at for at, word in enumerate(taken) if word != f"right {at}"), len(taken))
    return Worked(right, size, calls)
