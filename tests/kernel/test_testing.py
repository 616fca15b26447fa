"""What a stranger tests a plugin with."""

import json

from mcp.server.mcpserver import MCPServer

from mimocode import MessageAdded, Say, ToolCall, TurnEnded
from mimocode.messages import assistant
from mimocode.testing import MemoryStore, Script, play, talk
from support.catalogues import catalogue


async def test_a_script_that_runs_out_says_so() -> None:
    store = MemoryStore()
    async with play("only this", store=store) as session:
        for text in ("one", "two"):
            await session.submit(Say(text))
        await session.settled()
    assert talk(session) == ["user: one", "assistant: only this", "user: two"]
    assert list(store.read(session.id))[-1].event == TurnEnded("failed", "the script has no more lines")


async def test_a_line_may_be_text_a_message_calls_or_a_failure() -> None:
    script = Script("text", assistant("said", ToolCall("1", "t")), [ToolCall("2", "t")])
    assert [line if isinstance(line, str) else "" for line in script.lines] == ["text", "", ""]
    async with play("hi there") as session:
        await session.submit(Say("x"))
        await session.settled()
        assert talk(session) == ["user: x", "assistant: hi there"]


def test_the_memory_store_is_a_store() -> None:
    store = MemoryStore()
    fact = MessageAdded(assistant("hi"))
    assert [store.append("s", fact).seq for _ in range(2)] == [1, 2]
    assert [entry.seq for entry in store.read("s", after=1)] == [2]
    assert [info.id for info in store.sessions()] == ["s"]
    assert (store.verify("s"), store.delete("s"), store.delete("s"), list(store.read("s"))) == (2, True, False, [])


async def test_a_catalogue_has_stable_bytes() -> None:
    def server() -> MCPServer:
        made = MCPServer("x")
        made.tool(structured_output=False)(greet)
        return made

    first = await catalogue(server())
    assert first == await catalogue(server())
    assert [tool["name"] for tool in json.loads(first)] == ["greet"]


def greet(name: str) -> str:
    """Greet."""
    return f"hello {name}"
