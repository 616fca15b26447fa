"""Whole conversations against a scripted model, read as transcripts."""

import asyncio
from typing import Any

import pytest
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from mimocode import Agent, Interrupt, Part, Ruling, Say, ToolCall, Verdict, hookimpl
from mimocode.events import CallFinished, Rewind, TurnEnded
from mimocode.state import replay
from mimocode.testing import MemoryStore, Script, play, talk

READS = ToolAnnotations(read_only_hint=True)


class Shop:
    """A plugin with four tools: two that read, one that writes, one that fails."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def server(self) -> MCPServer:
        server = MCPServer("shop")

        @server.tool(annotations=READS, structured_output=False)
        async def look(what: str, ctx: Context) -> str:
            """Look at something."""
            self.log.append(f"look {what}")
            await ctx.report_progress(1, 2, f"looking at {what}")
            await asyncio.sleep(0.01)
            self.log.append(f"saw {what}")
            return f"a {what}"

        @server.tool(structured_output=False)
        async def buy(what_exactly: str) -> str:
            """Buy something."""
            self.log.append(f"buy {what_exactly}")
            await asyncio.sleep(0.01)
            self.log.append(f"bought {what_exactly}")
            return f"bought {what_exactly}"

        @server.tool(structured_output=False)
        async def fail() -> str:
            """Fail."""
            raise ToolError("sold out")

        @server.tool(structured_output=False)
        async def nap() -> str:
            """Sleep."""
            await asyncio.sleep(60)
            return "woke"

        return server

    @hookimpl
    async def tool_servers(self) -> list[Any]:
        return [self.server()]


class Allow:
    @hookimpl
    async def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


def call(name: str, call_id: str = "1", **arguments: Any) -> ToolCall:
    return ToolCall(call_id, name, arguments)


async def say(session: Any, text: str) -> list[str]:
    await session.submit(Say(text))
    await session.settled()
    return talk(session)


async def test_a_turn_uses_a_tool_and_replays() -> None:
    store = MemoryStore()
    async with play([call("look", what="hat")], "It is a hat.", plugins=[Shop(), Allow()], store=store) as session:
        assert await say(session, "what is there?") == [
            "user: what is there?",
            "assistant: look(what='hat')",
            "tool: a hat",
            "assistant: It is a hat.",
        ]
        live = session.state
    assert live == replay(store.read(session.id))
    assert [type(e.event).__name__ for e in store.read(session.id)] == [
        "SessionStarted", "TurnStarted", "WindowOpened", "MessageAdded", "MessageAdded", "CallStarted", "CallFinished",
        "MessageAdded", "TurnEnded",
    ]  # fmt: skip


async def test_readers_overlap_and_writers_wait_and_answers_keep_their_order() -> None:
    shop = Shop()
    calls = [
        call("look", "1", what="a"),
        call("look", "2", what="b"),
        call("buy", "3", whatExactly="c"),
        call("look", "4", what="d"),
    ]
    async with play(calls, "done", plugins=[shop, Allow()]) as session:
        transcript = await say(session, "go")
    assert transcript[2:6] == ["tool: a a", "tool: a b", "tool: bought c", "tool: a d"]
    assert shop.log == ["look a", "look b", "saw a", "saw b", "buy c", "bought c", "look d", "saw d"]


async def test_identical_calls_in_one_answer_run_once() -> None:
    shop = Shop()
    async with play(
        [call("buy", "1", what_exactly="a"), call("buy", "2", what_exactly="a")], "ok", plugins=[shop, Allow()]
    ) as session:
        assert (await say(session, "go"))[2:4] == ["tool: bought a", "tool: bought a"]
    assert shop.log == ["buy a", "bought a"]


async def test_failures_become_answers() -> None:
    lines = [call("fail"), call("nothing", "2"), ToolCall("3", "buy", malformed='{"what')]
    async with play(lines, "I see", plugins=[Shop(), Allow()]) as session:
        assert (await say(session, "go"))[2:] == [
            "tool: Error executing tool fail: sold out",
            "tool: Error: there is no tool 'nothing'; there are: buy, fail, look, nap",
            "tool: Error: the arguments were not one JSON object, nothing was run: '{\"what'",
            "assistant: I see",
        ]
        assert [m.error for m in session.state.messages][2:5] == [True, True, True]


async def test_nobody_vouches_so_the_user_is_asked_and_says_no() -> None:
    async with play([call("look", what="x")], "sorry", plugins=[Shop()], allow=False) as session:
        assert (await say(session, "go"))[2] == "tool: Denied: the user said no"


async def test_the_strictest_ruling_wins_whoever_speaks_first() -> None:
    class Deny:
        @hookimpl
        async def rule_on_call(self) -> Ruling:
            return Ruling(Verdict.DENY, "shop closed")

    for guards in ([Deny(), Allow()], [Allow(), Deny()]):
        shop = Shop()
        async with play([call("buy", what_exactly="x")], "ok", plugins=[shop, *guards]) as session:
            assert (await say(session, "go"))[2] == "tool: Denied: shop closed"
        assert shop.log == []


async def test_a_guard_that_crashes_allows_nothing() -> None:
    class Broken:
        @hookimpl
        async def rule_on_call(self) -> Ruling:
            raise ZeroDivisionError("oops")

    shop = Shop()
    async with play([call("buy", what_exactly="x")], "ok", plugins=[shop, Allow(), Broken()]) as session:
        expected = "tool: Denied: plugin Broken: rule_on_call raised ZeroDivisionError: oops"
        assert (await say(session, "go"))[2:] == [expected, "assistant: ok"]
    assert shop.log == []


async def test_a_watcher_that_crashes_is_named_once_and_bothers_nobody() -> None:
    class Broken:
        @hookimpl
        async def on_event(self) -> None:
            raise KeyError("oops")

    async with play("fine", plugins=[Broken()]) as session:
        assert await say(session, "x") == ["user: x", "assistant: fine"]
        assert session.host.options["complaints"] == ["plugin Broken: on_event raised KeyError: 'oops'"]


async def test_what_is_contributed_stays_fixed_while_the_window_is_open() -> None:
    class Clock:
        ticks = 0

        @hookimpl
        async def contribute(self) -> list[Part]:
            self.ticks += 1
            return [Part(f"tick {self.ticks}", rank=20, source="clock"), Part("first", rank=1)]

    clock, script = Clock(), Script("one", "two")
    async with play(*script.lines, plugins=[clock]) as session:
        await say(session, "a")
        await say(session, "b")
        assert session.state.window is not None
        assert [part.text for part in session.state.window.system] == ["first", "tick 1"]


async def test_what_the_user_says_meanwhile_joins_at_the_next_step() -> None:
    class Chatty:
        @hookimpl
        async def on_event(self, event: Any, session: Any) -> None:
            if isinstance(event, CallFinished):
                await session.submit(Say("and a scarf"))

    async with play([call("look", what="hat")], "both", plugins=[Shop(), Allow(), Chatty()]) as session:
        assert await say(session, "a hat") == [
            "user: a hat",
            "assistant: look(what='hat')",
            "tool: a hat",
            "user: and a scarf",
            "assistant: both",
        ]


async def test_an_interruption_is_quick_and_leaves_a_valid_log() -> None:
    async with play([call("nap"), call("look", "2", what="x")], "later", plugins=[Shop(), Allow()]) as session:
        await session.submit(Say("go"))
        async for entry in session.follow():
            if type(entry.event).__name__ == "CallStarted":
                break
        began = asyncio.get_running_loop().time()
        await session.submit(Interrupt())
        await session.settled()
        assert asyncio.get_running_loop().time() - began < 30  # of the sixty that it naps
        interrupted = "tool: Interrupted: this call was cut short and may have done part of its work."
        assert talk(session)[2:] == [interrupted, interrupted]
        assert not session.state.busy
        assert await say(session, "again") == [*talk(session)[:4], "user: again", "assistant: later"]


async def test_a_turn_goes_back_to_work_until_nobody_objects() -> None:
    class Foreman:
        left = 2

        @hookimpl
        async def before_stop(self) -> str | None:
            self.left -= 1
            return "not yet" if self.left >= 0 else None

    async with play("done?", "now?", "really", plugins=[Foreman()]) as session:
        assert [m.text for m in (await say(session, "x"), session.state.messages)[1]] == [
            "x", "done?", "not yet", "now?", "not yet", "really",
        ]  # fmt: skip


async def test_a_limit_on_steps_ends_the_turn_with_a_sentence() -> None:
    store = MemoryStore()
    loop = [[call("look", str(n), what="x")] for n in range(5)]
    async with play(*loop, plugins=[Shop(), Allow()], store=store, max_steps=3) as session:
        await say(session, "x")
    assert list(store.read(session.id))[-1].event == TurnEnded(
        "limited", "stopped at the limit of steps for this turn: 3"
    )


async def test_an_unknown_hook_is_named_with_a_suggestion_and_the_rest_works() -> None:
    class Typo:
        @hookimpl
        async def contrbute(self) -> None: ...

    async with play("fine", plugins=[Typo()]) as session:
        assert await say(session, "x") == ["user: x", "assistant: fine"]
        assert session.host.options["complaints"] == [
            "plugin Typo: there is no hook contrbute; did you mean contribute?"
        ]


async def test_a_crash_in_mid_call_is_repaired_on_the_next_open() -> None:
    store = MemoryStore()
    async with play([call("nap")], plugins=[Shop(), Allow()], store=store) as session:
        await session.submit(Say("go"))
        async for entry in session.follow():
            if type(entry.event).__name__ == "CallStarted":
                break
        cut = MemoryStore()
        cut.facts[session.id] = list(store.facts[session.id])
    async with play("ok", plugins=[Shop(), Allow()], store=cut, session_id=session.id) as again:
        assert not again.state.busy
        assert again.state.unanswered == ()
        assert talk(again)[-1].startswith("tool: Interrupted")


async def test_rewinding_takes_back_a_turn_and_keeps_the_bill() -> None:
    store = MemoryStore()
    async with play("one", "two", "three", plugins=[], store=store) as session:
        await say(session, "a")
        mark, spent = session.state.seq, session.state.usage
        await say(session, "b")
        await session.submit(Rewind(mark))
        await session.settled()
        assert talk(session) == ["user: a", "assistant: one"]
        assert session.state.usage.output == spent.output + 1
        assert await say(session, "c") == ["user: a", "assistant: one", "user: c", "assistant: three"]
        assert session.state == replay(store.read(session.id))


async def test_a_fork_is_a_copy_that_goes_its_own_way() -> None:
    store = MemoryStore()
    async with play("one", "two", store=store) as session:
        await say(session, "a")
        async with session.host.open(fork=session.id) as copy:
            assert talk(copy) == talk(session)
            assert await say(copy, "b") == ["user: a", "assistant: one", "user: b", "assistant: two"]
        assert talk(session) == ["user: a", "assistant: one"]


async def test_an_agent_sees_only_its_tools() -> None:
    agent = Agent("shy", tools={"*": False, "look": True})
    async with play("ok", plugins=[Shop(), Allow()], agent=agent) as session:
        await say(session, "x")
        assert [tool.name for tool in session.state.window.tools] == ["look"]  # type: ignore[union-attr]


async def test_two_tools_of_one_name_keep_the_first_and_name_both() -> None:
    first, second = Shop(), Shop()
    async with play("ok", plugins=[first, second]) as session:
        await say(session, "x")
        assert session.host.options["complaints"] == [
            f"plugin Shop: its tool {name!r} is left out, the server 'shop' has one of that name"
            for name in ("look", "buy", "fail", "nap")
        ]


async def test_a_plugin_that_awaits_forever_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    from mimocode import hookspecs

    monkeypatch.setattr(hookspecs.on_event, "deadline", 0.05)

    class Slow:
        asked = 0

        @hookimpl
        async def on_event(self) -> None:
            self.asked += 1
            await asyncio.sleep(60)

    slow = Slow()
    async with play("fine", plugins=[slow]) as session:
        assert await say(session, "x") == ["user: x", "assistant: fine"]
        assert session.host.options["complaints"][0] == "plugin Slow: on_event took longer than 0.05 s"
    assert slow.asked == 1


async def test_a_plugin_that_blocks_the_process_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    from mimocode import alarm

    monkeypatch.setattr(alarm, "LIMIT", 0.3)

    class Blocking:
        @hookimpl
        async def contribute(self) -> None:
            time.sleep(30)

    async with play("fine", plugins=[Blocking()]) as session:
        assert await say(session, "x") == ["user: x", "assistant: fine"]
        assert session.host.options["complaints"][0] == "plugin Blocking: blocked everything for 0.3 s and was stopped"


async def test_a_session_opened_again_has_the_tools_of_servers_without_a_catalogue() -> None:
    store = MemoryStore()
    async with play("hello", plugins=[Shop(), Allow()], store=store) as session:
        await say(session, "hi")
    async with play(
        [call("look", what="hat")], "ok", plugins=[Shop(), Allow()], store=store, session_id=session.id
    ) as again:
        assert (await say(again, "look"))[-2:] == ["tool: a hat", "assistant: ok"]


async def test_a_call_is_run_again_when_something_else_has_changed_in_between() -> None:
    shop = Shop()
    calls = [
        call("look", "1", what="a"),
        call("buy", "2", what_exactly="a"),
        call("look", "3", what="a"),
        call("buy", "4", what_exactly="a"),
    ]
    async with play(calls, "ok", plugins=[shop, Allow()]) as session:
        await say(session, "go")
    assert shop.log == ["look a", "saw a", "buy a", "bought a", "look a", "saw a"]
