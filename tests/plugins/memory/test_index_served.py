"""Another agent remembers with ours: `mimo mcp serve memory history tasks`, from the official client."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from support.cli import Cli


async def text(client: Client, name: str, **arguments: Any) -> str:
    result = await client.call_tool(name, arguments)
    return ("error: " if result.is_error else "") + "".join(c.text for c in result.content if c.type == "text")


async def test_another_agent_remembers_and_finds(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    assert cli("run", "-m", cli.scenario([{"text": "E4711 was the cause."}]), "Why does it fail?").code == 0
    words = ["-m", "mimocode.main", "mcp", "serve", "memory", "history", "tasks"]
    command = StdioServerParameters(command=sys.executable, args=words, env=cli.env, cwd=cli.project)
    with (cli.home / "errors").open("w") as errors:
        async with Client(stdio_client(command, errlog=errors)) as client:
            names = sorted(tool.name for tool in (await client.list_tools()).tools)
            assert names == ["history", "memory", "task"], (cli.home / "errors").read_text()
            kept = await text(client, "memory", operation="propose", text="The cache lives in var.")
            assert ", proposed." in kept, "nobody vouches for what a stranger says"
            assert "The cache lives in var." in await text(client, "memory", operation="search", query="cache")
            assert "E4711 was the cause" in await text(client, "history", operation="search", query="E4711")
            id = kept.split("[")[1].split("]")[0]
            refused = await text(client, "memory", operation="confirm", id=id)
            assert refused.startswith("error: Denied: ") and "nobody is there to approve it" in refused
            assert "T1" in await text(client, "task", operation={"action": "create", "summary": "Clean the cache"})
    assert "proposed   The cache lives in var." in cli("memory", "list").out
