"""Servers of strangers: separate processes that come late, die, lie and clash."""

import asyncio
import sys
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mcp import StdioServerParameters
from mcp.server.mcpserver import MCPServer

from mimocode import Agent, ToolCall, ToolFailed, ToolServer, toolbox
from mimocode.toolbox import Toolbox
from support.catalogues import catalogue

SERVER = '''
import os, sys, time
from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations
server = MCPServer("far")

@server.tool(annotations=ToolAnnotations(read_only_hint=True), structured_output=False)
def pid() -> str:
    """Tell the process id."""
    return str(os.getpid())

@server.tool(structured_output=False)
def die() -> str:
    """Die in mid-call."""
    os._exit(3)

server.run()
'''


@pytest.fixture
def far(tmp_path: Path) -> StdioServerParameters:
    (tmp_path / "far.py").write_text(SERVER)
    return StdioServerParameters(command=sys.executable, args=[str(tmp_path / "far.py")])


async def silent(_: str) -> None: ...


class Box:
    """A toolbox that remembers complaints and closes."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.toolbox = Toolbox(lambda plugin, error: self.complaints.append(f"{plugin}: {error}"))

    async def __aenter__(self) -> "Box":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.toolbox.close()

    async def call(self, name: str, **arguments: Any) -> str:
        return (await self.toolbox.call(ToolCall("1", name, arguments), silent, {})).text


async def test_a_server_of_another_process_is_prefixed_and_its_hints_count_for_nothing(
    far: StdioServerParameters,
) -> None:
    async with Box() as box:
        box.toolbox.offer("mine", [ToolServer("far away", lambda: far, external=True)])
        await box.toolbox.ready()
        assert {name: spec.read_only for name, spec in box.toolbox.specs.items()} == {
            "far_away_pid": False,
            "far_away_die": False,
        }
        assert int(await box.call("far_away_pid")) > 0


async def test_a_server_that_dies_in_mid_call_fails_that_call_at_once_and_is_opened_again(
    far: StdioServerParameters,
) -> None:
    async with Box() as box:
        box.toolbox.offer("mine", [ToolServer("far", lambda: far, external=True)])
        await box.toolbox.ready()
        before = await box.call("far_pid")
        with pytest.raises(ToolFailed, match=r"^the tool server 'far' broke while it worked on this: "):
            async with asyncio.timeout(60):
                await box.call("far_die")
        assert await box.call("far_pid") != before


async def test_a_server_that_cannot_start_costs_its_own_tools_only() -> None:
    async with Box() as box:
        broken = StdioServerParameters(command="/no/such/program", args=[])
        here = MCPServer("here")
        here.tool(structured_output=False)(hello)
        box.toolbox.offer("theirs", [ToolServer("gone", lambda: broken, external=True)])
        box.toolbox.offer("mine", [here])
        await box.toolbox.ready()
        assert list(box.toolbox.specs) == ["hello"]
        assert box.complaints[0].startswith("theirs: the tool server 'gone' cannot be opened: ")
        assert await box.call("hello") == "hello"


async def test_a_server_that_never_answers_is_given_up_after_its_timeout() -> None:
    async with Box() as box:
        mute = StdioServerParameters(command=sys.executable, args=["-c", "import time; time.sleep(60)"])
        box.toolbox.offer("theirs", [ToolServer("mute", lambda: mute, external=True, timeout=0.5)])
        async with asyncio.timeout(60):
            await box.toolbox.ready()
        assert box.complaints == ["theirs: the tool server 'mute' did not answer in 0.5 s"]


async def test_a_catalogue_offers_tools_before_the_server_runs(tmp_path: Path) -> None:
    opened: list[str] = []

    def open_server() -> MCPServer:
        opened.append("here")
        return here

    here = MCPServer("here")
    here.tool(structured_output=False)(hello)
    (tmp_path / "catalogue.json").write_text(await catalogue(here))
    async with Box() as box:
        box.toolbox.offer("mine", [ToolServer("here", open_server, catalogue=tmp_path / "catalogue.json")])
        await box.toolbox.ready()
        assert [spec.description for spec in box.toolbox.offered(Agent("a"))] == ["Greet."]
        assert opened == []
        assert await box.call("hello") == "hello"
        assert opened == ["here"]


def hello() -> str:
    """Greet."""
    return "hello"


async def test_loading_the_library_is_no_delay_of_a_server_and_ends_for_nobody_who_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loading: Future[None] = Future()
    monkeypatch.setattr(toolbox, "_library", lambda: loading)
    link = toolbox._Link("near", ToolServer("near", lambda: MCPServer("near"), timeout=0.2))
    left = asyncio.create_task(link.client())
    await asyncio.wait([left], timeout=0.01)
    await link.close()
    left.cancel()
    asking = asyncio.create_task(link.client())
    await asyncio.wait([asking], timeout=0.5)
    assert not asking.done() and not loading.cancelled()
    link.server = replace(link.server, timeout=30)
    loading.set_result(None)
    assert await asking
    await link.close()
