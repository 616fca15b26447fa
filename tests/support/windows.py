"""Small context windows around a scripted model that counts as a provider would, and a tool that prints 8 KB."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

from mimocode import Answer, ModelError, ModelFault, Part, Prompt, ToolCall, ToolServer, Usage, hookimpl
from mimocode.messages import assistant
from mimocode.ports import Agent
from mimocode.testing import Line
from mimocode_plugins.context.window.measure import of_message, of_opening
from mimocode_plugins.memory.checkpoint.document import SECTIONS, render

Writing = Callable[[Prompt], Awaitable[str]]

PRINTED = "line of output 0123456789\n" * 310


class Small:
    """The plugin that makes the window small. `written` answers the checkpoint writer, whose requests are in `asked`."""

    def __init__(self, size: int = 32_000, fixed: str = "base prompt " * 500, written: Writing | None = None) -> None:
        self.size, self.fixed, self.requests, self.refuse = size, fixed, list[Prompt](), list[int]()
        self.written, self.asked, self.calls = written or well, list[Prompt](), tuple[ToolCall, ...]()

    @hookimpl
    async def register_agents(self) -> list[Agent]:
        return [Agent("build", mode="primary"), Agent("checkpoint-writer", mode="subagent", prompt="write", steps=1)]

    @hookimpl
    async def wrap_model(self, model: Any) -> Any:
        return Counted(model, self)

    @hookimpl
    def contribute(self) -> list[Part]:
        return [Part(self.fixed, 0, "base")]

    @hookimpl
    def tool_servers(self) -> list[ToolServer]:
        def server() -> Any:
            from mcp.server.mcpserver import MCPServer

            made = MCPServer("printer")

            @made.tool(structured_output=False, meta={"mimocode": {"command": "command"}})
            def bash(command: str) -> str:
                """Print a lot."""
                return f"output of {command}\n{PRINTED}"

            return made

        return [ToolServer("printer", server)]


class Counted:
    """Refuses what is too long, and says how many tokens a request had."""

    def __init__(self, inner: Any, plan: Small) -> None:
        self.inner, self.plan, self.ref, self.window = inner, plan, inner.ref, plan.size

    async def stream(self, prompt: Prompt) -> AsyncIterator[Any]:
        frozen = replace(prompt, messages=list(prompt.messages))
        size = of_opening(prompt.system, prompt.tools) + sum(map(of_message, prompt.messages))
        if "max_output" in prompt.options:  # the writer
            self.plan.asked.append(frozen)
            text = await self.plan.written(frozen)
            message = assistant(text, *self.plan.calls)
            yield Answer(message, Usage(size, of_message(message)), "calls" if message.calls else "stop")
            return
        self.plan.requests.append(frozen)
        if size > self.window or (self.plan.refuse and self.plan.refuse[0] == len(self.plan.requests)):
            raise ModelError(ModelFault.OVERFLOW, f"{size} tokens are too many")
        async for piece in self.inner.stream(prompt):
            yield replace(piece, usage=Usage(size, 20)) if isinstance(piece, Answer) else piece


def steps(count: int) -> list[Line]:
    return [[ToolCall(f"c{n}", "bash", {"command": f"step {n}"})] for n in range(count)]


async def well(prompt: Prompt) -> str:
    """A checkpoint as a good writer makes it, of about 1,300 tokens."""
    return render({section.number: f"- {section.title} was written\n- more words of it " * 6 for section in SECTIONS})
