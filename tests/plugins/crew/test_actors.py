"""Subagents: started, waited for, bounded, written to, ended, and gone on with after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from mimocode import Ruling, Say, ToolCall, ToolServer, Verdict, hookimpl
from mimocode.events import Interrupt, MessageAdded, Pulse
from mimocode.messages import Message, Text, Usage
from mimocode.ports import Agent, Answer, Prompt
from mimocode.session import Session
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.crew import actors
from mimocode_plugins.crew.actors.server import build
from mimocode_plugins.crew.children.reports import mistakes, read, unfit
from mimocode_plugins.crew.children.roster import Order, roster
from mimocode_plugins.crew.children.settings import Bounds
from mimocode_plugins.crew.children.team import team
from mimocode_plugins.crew.children.watching import Watch
from support.catalogues import catalogue

DONE = "Status: done\nSummary: it works\nAll is well."


def actor(action: str, **arguments: Any) -> list[ToolCall]:
    return [ToolCall(f"a{len(arguments)}{action}", "actor", {"action": action, **arguments})]


Reply = str | list[ToolCall] | Exception | Callable[[Prompt], Any]


class Cast:
    """A model that answers by what its conversation is about: the first word of a prompt chooses the part."""

    ref = "cast/parts"
    window = 200_000

    def __init__(self, **parts: list[Reply]) -> None:
        self.parts = parts
        self.seen: dict[str, list[Prompt]] = {}
        self.at_once = self.most = 0

    def part(self, prompt: Prompt) -> str:
        """Whose turn it is: the latest message that begins with a part's name."""
        for message in reversed(prompt.messages):
            word = message.text.removeprefix("Task: ").split(maxsplit=1)[0:1]
            if message.role == "user" and not message.origin and word and word[0] in self.parts:
                return word[0]
        raise AssertionError(f"nobody plays {prompt.messages[-1].text!r}")

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        """Play the next line of the part."""
        name = self.part(prompt)
        self.seen.setdefault(name, []).append(prompt)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(0)
            line: Any = self.parts[name].pop(0)
            if callable(line):
                line = line(prompt)
                if asyncio.iscoroutine(line):
                    line = await line
        finally:
            self.at_once -= 1
        if isinstance(line, Exception):
            raise line
        message = Message("assistant", (Text(line),) if isinstance(line, str) else tuple(line))
        yield Answer(message, Usage(input=10, output=1), "calls" if message.calls else "stop")


class World:
    """Agents, the model, the guard that allows all, and a tool that says what time it is not."""

    def __init__(self, cast: Cast, **bounds: Any) -> None:
        self.cast, self.bounds = cast, Bounds(**{"beat": 0.01, **bounds})
        self.ran: list[str] = []

    @hookimpl
    def register_agents(self) -> list[Agent]:
        return [
            Agent("build", mode="primary"),
            Agent("general", mode="subagent", prompt="General."),
            Agent("explore", mode="subagent", prompt="Explore.", tools={"*": False, "tick": True}),
        ]

    @hookimpl(tryfirst=True)
    def open_model(self) -> Cast:
        return self.cast

    @hookimpl
    def rule_on_call(self, call: ToolCall) -> Ruling:
        return Ruling(Verdict.ASK if call.arguments.get("ask") else Verdict.ALLOW)

    @hookimpl
    def session_scope(self, session: Session) -> None:
        session.host.settings["actors"] = self.bounds  # type: ignore[index]

    @hookimpl
    def tool_servers(self) -> list[ToolServer]:
        def server() -> Any:
            from mcp.server.mcpserver import MCPServer

            made = MCPServer("ticks")

            @made.tool(structured_output=False)
            async def tick(ask: bool = False) -> str:
                self.ran.append("tick")
                return "tock"

            return made

        return [ToolServer("ticks", server)]


def stage(directory: Path, world: World, **more: Any) -> Any:
    more = {"headless": True, "agent": Agent("build", mode="primary"), **more}
    return play(plugins=[world, actors], directory=directory, **more)


async def say(session: Session, text: str) -> list[str]:
    before = len(session.state.messages)
    await session.submit(Say(text))
    await session.settled()
    return talk(session)[before:]


def states(session: Session) -> dict[str, str]:
    return {id: one.state for id, one in team(session).actors.items()}


def results(session: Session) -> list[str]:
    return [m.text for m in session.state.messages if m.role == "tool"]


def report(id: str, text: str = DONE, state: str = "done", summary: str = "it works") -> str:
    return f'<actor id="{id}" state="{state}" summary="{summary}">\n{text}\n</actor>'


async def test_run_brings_the_report_and_says_who_had_what(tmp_path: Path) -> None:
    cast = Cast(
        go=[actor("run", prompt="look for it", description="find it", subagent_type="explore"), "ok"], look=[DONE]
    )
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go on")
        assert results(session) == [report("explore-1")]
        child = cast.seen["look"][0]
        assert [tool.name for tool in child.tools] == ["tick"]
        store = await session.host.store()
        [one] = team(session).actors.values()
        started = next(iter(store.read(one.session))).event
        assert (started.parent, started.agent) == (session.id, "explore")
        assert (one.order.description, one.usage) == ("find it", {"input": 10, "output": 1, "cost": 0.0})


async def test_several_of_one_answer_work_side_by_side_within_the_limit(tmp_path: Path) -> None:
    together = asyncio.Barrier(2)

    async def meet(prompt: Prompt) -> str:
        await together.wait()
        return DONE

    calls = [c for n in range(4) for c in [ToolCall(f"c{n}", "actor", {"action": "run", "prompt": f"look at {n}"})]]
    cast = Cast(go=[calls, "ok"], look=[meet] * 4)
    async with stage(tmp_path, World(cast, parallel=2)) as session:
        await say(session, "go")
        assert sorted(states(session).items()) == [(f"general-{n}", "done") for n in range(1, 5)]
    assert cast.most <= 2


async def test_the_background_reports_before_a_run_without_a_person_ends(tmp_path: Path) -> None:
    cast = Cast(go=[actor("spawn", prompt="look", subagent_type="explore"), "waiting", "all told"], look=[DONE])
    async with stage(tmp_path, World(cast)) as session:
        said = await say(session, "go")
    assert said[2].startswith("tool: explore-1 works in the background")
    assert said[3:] == ["assistant: waiting", f"user: {report('explore-1')}", "assistant: all told"]


async def test_the_background_wakes_up_an_agent_that_stopped(tmp_path: Path) -> None:
    free = asyncio.Event()

    async def later(prompt: Prompt) -> str:
        await free.wait()
        return DONE

    cast = Cast(go=[actor("spawn", prompt="look"), "see you", "I heard"], look=[later])
    async with stage(tmp_path, World(cast), headless=False) as session:
        assert (await say(session, "go"))[-1] == "assistant: see you"
        live = team(session).live["general-1"]
        free.set()
        await live.over.wait()
        await session.settled()
        assert talk(session)[-2:] == [f"user: {report('general-1')}", "assistant: I heard"]
        assert team(session).actors["general-1"].told


async def test_a_full_context_begins_with_the_request_of_the_parent(tmp_path: Path) -> None:
    cast = Cast(
        go=["hello", actor("run", prompt="look", context="full"), "ok"],
        look=[[ToolCall("t", "tick", {})], DONE],
    )
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go first")
        await say(session, "go again")
    parent, child = cast.seen["go"][1], cast.seen["look"]
    assert (child[0].system, child[0].tools) == (parent.system, parent.tools)
    size = len(parent.messages)
    assert list(child[0].messages[:size]) == list(parent.messages)
    assert [m.role for m in child[0].messages[size:]] == ["user"]
    assert list(child[1].messages[: len(child[0].messages)]) == list(child[0].messages)


async def test_the_state_context_tells_what_the_user_asked_for(tmp_path: Path) -> None:
    cast = Cast(go=[actor("run", prompt="look", context="state"), "ok"])
    cast.parts["What"] = [DONE]
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go and fix the login")
    told = cast.seen["What"][0].messages[-1].text
    assert "> go and fix the login" in told
    assert told.index("# Your task\n\nlook") > told.index("> go")


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def test_a_typed_result_is_checked_and_repaired_twice(tmp_path: Path) -> None:
    cast = Cast(
        go=[actor("run", prompt="look", output_schema=SCHEMA), actor("run", prompt="see", output_schema=SCHEMA), "ok"],
        look=['{"n": "one"}', "one", '```json\n{"n": 1}\n```'],
        see=["what?", "no", "no!"],
    )
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go")
        first, second = team(session).actors.values()
        assert (first.state, first.value) == ("done", {"n": 1})
        assert "n: 'one' is not of type 'integer'" in cast.seen["look"][1].messages[-1].text
        assert (second.state, second.summary) == ("failed", "its result is not JSON")
        assert results(session)[0] == report("general-1", '{"n": 1}', summary="{&quot;n&quot;: 1}")


async def test_a_report_without_its_header_is_asked_for_once(tmp_path: Path) -> None:
    cast = Cast(go=[actor("run", prompt="look"), "ok"], look=["found it", "found it again"])
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go")
        assert results(session) == [report("general-1", "found it again", summary="found it again")]
    assert "Status:" in cast.seen["look"][1].messages[-1].text


async def test_a_failure_is_an_outcome(tmp_path: Path) -> None:
    cast = Cast(go=[actor("run", prompt="look"), "ok"], look=[RuntimeError("boom")])
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go")
        [one] = team(session).actors.values()
        assert (one.state, one.why) == ("failed", "RuntimeError: boom")


async def test_cancelling_takes_the_whole_tree_and_twice_is_once(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(prompt: Prompt) -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    cast = Cast(
        go=[actor("spawn", prompt="look"), actor("cancel", actor_id="general-1"), actor("cancel"), "ok"],
        look=[actor("run", prompt="deeper")],
        deeper=[hang],
    )

    async def once_it_hangs(prompt: Prompt) -> list[ToolCall]:
        await begun.wait()
        return actor("cancel", actor_id="general-1")

    cast.parts["go"][1] = once_it_hangs
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go")
        assert states(session) == {"general-1": "cancelled"}
        assert results(session)[1:] == ["general-1 [cancelled] look (cancelled by its caller)", "Nobody is at work."]
        store = await session.host.store()
        below = roster(
            e.event.data for e in store.read(team(session).actors["general-1"].session) if hasattr(e.event, "data")
        )
        assert {id: (one.state, one.why) for id, one in below.items()} == {
            "general-1": ("cancelled", "its caller was cancelled")
        }
        again = await team(session).cancel("general-1")
        assert again.state == "cancelled"
    assert [t.get_name() for t in asyncio.all_tasks() if t.get_name().startswith("actor")] == []


async def test_interrupting_the_agent_ends_those_it_waits_for(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(prompt: Prompt) -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    cast = Cast(go=[actor("run", prompt="look")], look=[hang])
    async with stage(tmp_path, World(cast)) as session:
        await session.submit(Say("go"))
        await begun.wait()
        live = team(session).live["general-1"]
        await session.submit(Interrupt())
        await session.settled()
        await live.over.wait()
        assert states(session) == {"general-1": "cancelled"}


async def test_letters_reach_a_child_at_its_next_step_and_its_parent(tmp_path: Path) -> None:
    begun, written = asyncio.Event(), asyncio.Event()

    async def first(prompt: Prompt) -> list[ToolCall]:
        begun.set()
        await written.wait()
        return actor("send", actor_id="parent", prompt="halfway")

    async def write(prompt: Prompt) -> list[ToolCall]:
        await begun.wait()
        return actor("send", actor_id="general-1", prompt="hurry")

    def on(prompt: Prompt) -> list[ToolCall]:
        written.set()
        return actor("wait", actor_id="general-1")

    cast = Cast(go=[actor("spawn", prompt="look"), write, on, "ok", "ok"], look=[first, DONE])
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go")
        heard = [m.text for m in session.state.messages if m.origin == "inbox"]
    assert heard == ['<message from="general-1">\nhalfway\n</message>']
    letters = [m.text for m in cast.seen["look"][1].messages if m.origin == "inbox"]
    assert letters == ['<message from="caller">\nhurry\n</message>']


async def test_one_that_is_over_goes_on_by_its_id(tmp_path: Path) -> None:
    cast = Cast(
        go=[actor("run", prompt="look"), actor("run", actor_id="general-1", prompt="look deeper"), "ok"],
        look=[DONE, "Status: partial\nSummary: half of it\nmore"],
    )
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go")
        assert states(session) == {"general-1": "partial"}
    said = [m.text.partition("\n")[0] for m in cast.seen["look"][1].messages]
    assert said == ["look", "Status: done", "look deeper"]


async def test_depth_is_limited(tmp_path: Path) -> None:
    cast = Cast(go=[actor("run", prompt="look"), "ok"], look=[actor("run", prompt="deeper"), DONE], deeper=[DONE])
    async with stage(tmp_path, World(cast, depth=1)) as session:
        await say(session, "go")
    assert [t.name for t in cast.seen["look"][0].tools] == ["tick"]
    assert "there is no tool 'actor'" in cast.seen["look"][1].messages[-1].text


async def test_a_child_has_no_tool_that_its_parent_lacks(tmp_path: Path) -> None:
    cast = Cast(go=[actor("run", prompt="look"), "ok"], look=[[ToolCall("t", "tick", {})], DONE])
    world = World(cast)
    narrow = Agent("build", mode="primary", tools={"*": False, "actor": True})
    async with stage(tmp_path, world, agent=narrow) as session:
        session.agent = narrow
        await say(session, "go")
    assert world.ran == []
    assert cast.seen["look"][1].messages[-1].text.startswith("Denied: it works for the agent build, which has no tool")


async def test_what_is_wrong_with_a_call_is_said(tmp_path: Path) -> None:
    calls = [
        actor("run", prompt="x", subagent_type="nobody"),
        actor("run"),
        actor("run", prompt="x", context="half"),
        actor("wait", actor_id="general-7"),
        actor("run", prompt="x", output_schema={"type": "nonsense"}),
        actor("dance"),
        actor("status"),
    ]
    cast = Cast(go=[*calls, "ok"])
    async with stage(tmp_path, World(cast)) as session:
        await say(session, "go")
        assert results(session) == [
            "There is no subagent 'nobody'; there is: general, explore.",
            "Say in prompt what is to be done, with everything that is needed for it.",
            "context is none, state or full.",
            "There is no subagent 'general-7'; there is: none yet.",
            "output_schema is no JSON Schema to check by: 'nonsense' is not valid under any of the given schemas",
            "action is one of run, spawn, status, wait, cancel, send, merge, discard, models.",
            "No subagents yet.",
        ]


async def test_after_a_restart_children_go_on_and_their_parent_hears_of_it(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(prompt: Prompt) -> str:
        begun.set()
        await asyncio.Event().wait()
        return "never"

    running, store = MemoryStore(), MemoryStore()
    cast = Cast(go=[actor("run", prompt="look", description="find it"), "ok", "ok"], look=[hang, DONE])
    async with stage(tmp_path, World(cast), store=running) as session:
        await session.submit(Say("go"))
        await begun.wait()
        id = session.id
        store.facts = {name: list(log) for name, log in running.facts.items()}  # what `kill -9` leaves
    assert roster(e.event.data for e in store.read(id) if hasattr(e.event, "data"))["general-1"].state == "running"
    async with stage(tmp_path, World(cast), store=store, session_id=id) as session:
        said = await say(session, "go on")
        assert states(session) == {"general-1": "done"}
    assert said[0] == "user: general-1 (find it) was cut off with you; it goes on in the background."
    assert f"user: {report('general-1')}" in said
    words = [m.text.partition(":")[0] for m in cast.seen["look"][1].messages]
    assert words[-1] == "You were interrupted"


def test_a_report_is_understood() -> None:
    assert read(DONE, None).state == "done"
    assert read("**Status:** blocked\n**Summary:** no key", None).summary == "no key"
    assert read("I did it", None).wrong.startswith("Your last message does not begin")
    assert read("", None).state == "failed"
    assert read('Here:\n```json\n{"n": 2}\n```', SCHEMA).value == {"n": 2}
    assert mistakes({"n": 1}, SCHEMA) == ""
    assert unfit(SCHEMA) == ""
    assert unfit({"$ref": "http://example.org/schema"}) == "it refers to something outside of itself"


def test_circles_and_silence_are_noticed() -> None:
    from mimocode.events import CallFinished

    watch, limits = Watch(0.0), Bounds(loops=2)

    def step(n: int, result: str) -> None:
        watch.saw(MessageAdded(Message("assistant", (ToolCall(f"c{n}", "tick", {"of": "it"}),))), float(n))
        watch.saw(CallFinished(f"c{n}", (Text(result),)), float(n))

    for n in range(3):
        step(n, f"{n} percent")
    assert watch.state(3, limits) == ("running", "")
    for n in range(3, 6):
        step(n, "the same")
    assert watch.state(6, limits)[0] == "looping"
    assert watch.hopeless(6, limits) == ""
    for n in range(6, 8):
        step(n, "the same")
    assert watch.hopeless(8, limits) == "it repeated the same calls with the same results 5 times"
    step(8, "another")
    assert watch.state(400, limits) == ("stalled", "no sign of life for 360 s")
    assert watch.hopeless(700, limits) == "it gave no sign of life for 600 s"


async def test_the_catalogue_is_what_the_server_lists_and_short() -> None:
    listed = Path(str(actors.__file__)).with_name("catalogue.json").read_text("utf-8")
    assert listed == await catalogue(build(None))
    [tool] = json.loads(listed)
    told = json.dumps([tool["name"], tool["description"], tool["input_schema"]], separators=(",", ":"))
    assert len(told) // 4 <= 350


def test_orders_survive_the_log() -> None:
    from mimocode_plugins.crew.children.team import _plain

    order = Order("general", "x", schema=SCHEMA, background=True)
    note = {"id": "general-1", "op": "ordered", "at": 1.0, "order": json.loads(json.dumps(_plain(order)))}
    assert roster([note])["general-1"].order == order


async def test_a_copy_of_a_conversation_leaves_the_children_of_the_original_alone(tmp_path: Path) -> None:
    store = MemoryStore()
    cast = Cast(
        go=[actor("run", prompt="look"), "ok", actor("run", actor_id="general-1", prompt="look deeper"), "ok"],
        look=[DONE],
    )
    async with stage(tmp_path, World(cast), store=store) as session:
        await say(session, "go")
        async with session.host.open(fork=session.id, agent="build") as copy:
            await say(copy, "go")
            assert results(copy)[-1].startswith("general-1 belongs to the conversation that this one is a copy of")


async def test_one_that_is_cancelled_while_it_is_opened_never_begins(tmp_path: Path) -> None:
    cast = Cast(go=[actor("spawn", prompt="look"), actor("cancel", actor_id="general-1"), "ok"], look=[DONE])
    async with stage(tmp_path, World(cast)) as session:
        live = await team(session).start(Order("general", "look"))
        while live.child is None:  # noqa: ASYNC110  a few rounds of the loop, no time
            await asyncio.sleep(0)
        assert (await asyncio.wait_for(team(session).cancel(live.id), 60)).state == "cancelled"
    assert "look" not in cast.seen
