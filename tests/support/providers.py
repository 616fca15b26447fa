"""A real host with the provider plugins and a configuration of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mimocode.hookspecs import hookimpl
from mimocode.host import Host
from mimocode.messages import Message, Part, ToolSpec
from mimocode.ports import Answer, Model, Prompt
from mimocode.testing import MemoryStore

PLUGINS = ("configured", "openai", "retry")


def host(home: Path, config: dict[str, Any] | None = None, plugins: tuple[Any, ...] = PLUGINS, **environ: str) -> Host:
    """A host that sees this configuration and this environment and nothing else."""
    home.mkdir(exist_ok=True)
    own = {"MIMOCODE_HOME": str(home), "MIMOCODE_CONFIG_CONTENT": json.dumps(config or {})}
    environ = {**own, "MIMOCODE_MODELS_URL": "http://127.0.0.1:1", **environ}
    names: list[Any] = ["mimocode_plugins.store.workspace"]
    names += [f"mimocode_plugins.providers.{name}" if isinstance(name, str) else name for name in plugins]
    return Host(names, directory=home, external=False, environ=environ, complain=print)


def provider(url: str, npm: str = "@ai-sdk/openai-compatible", **model: Any) -> dict[str, Any]:
    """A configuration with the provider "acme" and its model "test-model"."""
    options = {"baseURL": url, "apiKey": "k-123456789"}
    return {"provider": {"acme": {"npm": npm, "options": options, "models": {"test-model": model}}}}


async def tell(model: Model, prompt: Prompt) -> tuple[list[Any], Answer]:
    """All pulses and the answer."""
    pieces = [piece async for piece in model.stream(prompt)]
    assert isinstance(pieces[-1], Answer)
    return pieces[:-1], pieces[-1]


TOOLS = (
    ToolSpec("read", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}}),
    ToolSpec("look", "Look.", {"properties": {}}),
)


def prompt(*messages: Message, **fields: Any) -> Prompt:
    """A prompt with a system text and two tools."""
    return Prompt((Part("Be good."), Part("Be brief.")), list(messages), TOOLS, session="ses_1", **fields)


class Keeper:
    """A plugin that keeps the log in memory."""

    @hookimpl
    async def open_store(self) -> MemoryStore:
        """Where the log is kept."""
        return MemoryStore()
