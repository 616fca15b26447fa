"""Write the `catalogue.json` of every tool server anew: PYTHONPATH=kernel:plugins:tests python -m support.catalogues"""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import msgspec

from mimocode_plugins.tools.place import Place

SERVERS = ("ask", "files", "lsp", "patch", "search", "shell", "view", "web")
OF_A_SESSION = (
    "crew.actors",
    "clock.cron",
    "crew.compose",
    "crew.orchestrator",
    "crew.skills",
    "crew.tasks",
    "crew.workflows",
    "judgement.goal",
    "memory.index",
    "tools.code",
    "tools.deferred",
    "tools.websearch",
)
"""Servers that are built around a session; without one they list their tools."""


async def catalogue(server: Any) -> str:
    """The `catalogue.json` of a server: what it lists, as JSON with stable order and bytes."""
    from mcp import Client

    async with Client(server) as client:
        tools = (await client.list_tools()).tools
    listed = [tool.model_dump(mode="json", exclude_none=True, by_alias=False) for tool in tools]
    return msgspec.json.format(msgspec.json.encode(listed, order="sorted"), indent=1).decode() + "\n"


def build(name: str, root: Path = Path("/")) -> Any:
    """The live server of a tool plugin."""
    if name in OF_A_SESSION:
        return importlib.import_module(f"mimocode_plugins.{name}.server").build(None)
    build = importlib.import_module(f"mimocode_plugins.tools.{name}.server").build
    if name in ("ask", "web"):
        return build(())
    return build(Place(root, root))


def path(name: str) -> Path:
    """Where the catalogue of a tool plugin is kept."""
    package = importlib.import_module(f"mimocode_plugins.{name if name in OF_A_SESSION else f'tools.{name}'}")
    return Path(str(package.__file__)).with_name("catalogue.json")


async def main() -> None:
    """Write all of them."""
    for name in (*SERVERS, *OF_A_SESSION):
        path(name).write_text(await catalogue(build(name)), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
