"""`mimo mcp serve`, driven from another process by the official client."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from support.calling import until
from support.cli import Cli
from support.job import Log, whole


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)


@asynccontextmanager
async def served(cli: Cli, *words: str) -> AsyncIterator[Client]:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "mimocode.main", "mcp", "serve", *words], env=cli.env, cwd=cli.project
    )
    with (cli.home / "errors").open("w") as errors:
        async with Client(stdio_client(command, errlog=errors)) as client:
            yield client


async def text(client: Client, name: str, **arguments: Any) -> str:
    result = await client.call_tool(name, arguments)
    return ("error: " if result.is_error else "") + "".join(c.text for c in result.content if c.type == "text")


async def test_another_agent_works_with_our_tools(cli: Cli) -> None:
    (cli.project / ".env").write_text("SECRET=1")
    async with served(cli, "files", "search", "bash") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert sorted(names) == ["bash", "edit", "glob", "grep", "read", "write"]
        assert await text(client, "write", file_path="a.txt", content="one\n") == "Wrote file successfully."
        assert await text(client, "edit", file_path="a.txt", old_string="one", new_string="two") == "Replaced 1 place."
        assert "a.txt" in await text(client, "grep", pattern="two")
        assert "two" in await text(client, "bash", command="cat a.txt", description="show")
        with pytest.raises(MCPError, match="there is no tool 'multiedit'"):
            await text(client, "multiedit", file_path="a.txt", edits=[])
        outside = await text(client, "read", file_path=str(cli.home / "errors"))
        assert outside.startswith("error: Denied: ") and "nobody is there to approve it" in outside
        assert (await text(client, "read", file_path=".env")).startswith("error: Denied: ")
        assert (await text(client, "bash", command="rm -rf ~", description="x")).startswith("error: Denied: ")
    assert (cli.project / "a.txt").read_text() == "two\n"
    listed = json.loads(cli("session", "list", "--format", "json").out)
    assert [session["title"] for session in listed] == ["mcp serve"]


async def test_what_a_call_says_while_it_works_and_a_call_that_is_given_up(cli: Cli) -> None:
    heard: list[str] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message or "")

    async with served(cli, "bash", "read") as client:
        command = {"command": "echo one; sleep 0.3; echo two", "description": "count"}
        done = await client.call_tool("bash", command, progress_callback=hear)
        assert not done.is_error and any("one" in text for text in heard), heard
        slow = {"command": "touch begun; sleep 60", "description": "sleep"}
        task = asyncio.ensure_future(client.call_tool("bash", slow))
        await until((cli.project / "begun").exists, 20)
        task.cancel()
        await asyncio.wait([task])
        assert "begun" in await text(client, "bash", command="ls", description="list")
    assert Log.of(cli).dangling() == set()
    whole(cli)


async def test_all_of_ours_and_only_what_exists(cli: Cli) -> None:
    async with served(cli) as client:
        names = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"read", "bash", "apply_patch"} <= names.keys()
        annotations = names["read"].annotations
        assert annotations is not None and annotations.read_only_hint
    failed = cli("mcp", "serve", "nonsense")
    assert failed.code == 2 and "there is no server or tool 'nonsense' to offer" in failed.err


async def test_over_http_only_with_the_token_and_from_here(cli: Cli) -> None:
    process = await asyncio.to_thread(cli.start, "mcp", "serve", "files", "--http", "0")
    with process:
        assert process.stderr is not None
        lines = [(await asyncio.to_thread(process.stderr.readline)).decode() for _ in range(2)]
        url, token = lines[0].split()[-1], lines[1].split()[-1]
        key = {"Authorization": f"Bearer {token}"}
        ping = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        kinds = {"Accept": "application/json, text/event-stream"}
        async with httpx2.AsyncClient(headers=kinds) as anyone:
            for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": token}):
                assert (await anyone.post(url, json=ping, headers=headers)).status_code == 401
            for headers in ({"Host": "evil.test"}, {"Origin": "http://evil.test"}, {"Origin": "null"}):
                refused = await anyone.post(url, json=ping, headers=key | headers)
                assert refused.status_code in (403, 421), headers
        async with httpx2.AsyncClient(headers=key, timeout=30) as ours:
            async with Client(streamable_http_client(url, http_client=ours)) as client:
                assert await text(client, "write", file_path="b.txt", content="x") == "Wrote file successfully."
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait, 20)


async def test_without_names_only_what_makes_sense_outside_of_a_session_is_offered(cli: Cli) -> None:
    async with served(cli) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
    about_the_session = {"question", "change_directory", "plan_exit", "gate", "actor", "cron", "exec", "tool_search"}
    assert not names & about_the_session
    assert {"read", "write", "edit", "bash", "jobs", "glob", "grep", "webfetch", "memory", "history", "task"} <= names


def test_what_is_about_the_session_cannot_be_had_by_name_either(cli: Cli) -> None:
    done = cli("mcp", "serve", "question", timeout=60)
    assert done.code == 2 and "there is no server or tool 'question' to offer" in done.err
