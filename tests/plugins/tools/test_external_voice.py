"""What servers offer besides tools, what they may ask of us, and how they misbehave: real processes throughout."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import hookimpl
from mimocode.events import Approve, Noted, Say
from mimocode.session import Session
from mimocode.testing import talk
from mimocode_plugins.tools import external
from mimocode_plugins.tools.external import prompts
from mimocode_plugins.tools.external.line import pause
from plugins.tools.test_external import ODD, House, call
from support.calling import until


class Inhabited(House):
    """A house with a user at the front end, who answers questions."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.answers: list[str | None] = []
        self.asked: list[dict[str, Any]] = []
        self.there = True

    def host(self) -> Any:
        host = super().host()
        host.options["questions"] = self.there
        return host

    @hookimpl
    async def on_event(self, event: Any, session: Session) -> None:
        await super().on_event(event)
        if isinstance(event, Noted) and event.plugin == "question":
            self.asked += event.data["questions"]
            answer = self.answers.pop(0)
            await session.submit(Approve(event.data["call"], answer is not None, answer or ""))


@pytest.fixture
def house(tmp_path: Path) -> Inhabited:
    (tmp_path / "home").mkdir()
    made = Inhabited(tmp_path)
    made.odd(legacy="1")
    return made


# -- questions of servers -----------------------------------------------------------


async def test_a_server_asks_the_user(house: Inhabited) -> None:
    house.answers = [json.dumps([["Ada"], ["36"], ["No"]])]
    said = await house.say(call("odd_form"), "done")
    assert said[2] == 'tool: accept {"name":"Ada","age":36,"sure":false}'
    assert [question["header"] for question in house.asked] == ["name", "age", "sure"]
    assert house.asked[1]["question"] == "odd asks: Who are you?\nAge (default: 7)"
    assert [option["label"] for option in house.asked[2]["options"]] == ["Yes", "No"]


async def test_what_is_left_open_takes_its_default_and_no_is_no(house: Inhabited) -> None:
    house.answers = [json.dumps([["Bob"], [], []]), None, json.dumps([[], [], []]), json.dumps([["C"], ["many"], []])]
    said = await house.say(*[call("odd_form") for _ in range(4)], "done")
    assert said[2:9:2] == [
        'tool: accept {"name":"Bob","age":7,"sure":true}',
        "tool: decline",
        "tool: cancel",
        "tool: cancel",
    ]
    assert house.notices[0] == "odd needs an answer to name"
    assert house.notices[1].startswith("the answer to age of odd does not fit: ")


async def test_when_nobody_is_there_a_server_cannot_ask(house: Inhabited) -> None:
    house.there = False
    said = await house.say(call("odd_form"), "done")
    assert said[2] == "tool: cancel" and house.asked == []


async def test_the_clock_of_a_call_stands_still_while_the_user_thinks(house: Inhabited) -> None:
    from mimocode_plugins.tools.external.reaching.server import Heard

    heard = Heard(last=0)
    assert heard.left(5) < 0
    heard.asking = 1
    assert heard.left(5) > 4


async def test_an_interruption_ends_a_question(house: Inhabited) -> None:
    from mimocode.events import Interrupt

    class Silent(Inhabited):
        @hookimpl
        async def on_event(self, event: Any, session: Session) -> None:
            if isinstance(event, Noted) and event.plugin == "question":
                await session.submit(Interrupt())

    silent = Silent(house.root)
    silent.odd(legacy="1")
    async with silent.session(call("odd_form"), call("odd_echo", text="on"), "done") as session:
        await session.submit(Say("go"))
        await session.settled()
        await session.submit(Say("again"))
        await session.settled()
        assert talk(session)[-2:] == ["tool: on", "assistant: done"]


# -- the model ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "answers", "said"),
    [
        ("deny", [], "refused: "),
        ("allow", [], "script/lines: Forty-two."),
        ("ask", ['["Yes"]'], "script/lines: Forty-two."),
        ("ask", ['["No"]'], "refused: the user said no"),
        ("ask", [None], "refused: the user said no"),
    ],
)
async def test_a_server_asks_the_model(house: Inhabited, policy: str, answers: list[str | None], said: str) -> None:
    house.servers["odd"]["sampling"] = policy
    house.answers = answers
    answered = ["Forty-two."] if "Forty" in said else []
    result = await house.say(call("odd_ponder"), *answered, "done")
    assert result[2].startswith(f"tool: {said}")
    if answered:
        asked = house.script.seen[1]
        assert [message.text for message in asked.messages] == ["What is it?"] and asked.tools == ()
        assert [part.text for part in asked.system] == ["Be brief."]


async def test_it_learns_where_we_work(house: Inhabited) -> None:
    assert (await house.say(call("odd_folders"), "done"))[2] == f"tool: {house.root.as_uri()}"


# -- prompts and resources ----------------------------------------------------------


async def test_prompts_are_commands(house: Inhabited) -> None:
    await house.say("list them")
    host = house.host()
    found = await host.commands()
    assert (found["odd:review"].arguments, found["odd:review"].summary) == ("<what> [how]", "Look at something. (odd)")
    async with house.session("done") as session:
        host = session.host
        text = await (await host.commands())["odd:review"].run('"the parser" harshly', session)
        assert text == "Review the parser harshly."
        with pytest.raises(Exception, match="/odd:review needs what"):
            await (await host.commands())["odd:review"].run("", session)


async def test_mentioned_resources_are_put_in(house: Inhabited) -> None:
    async with house.session("done") as session:
        await session.submit(Say("What of @odd:note://today, @odd:bytes://raw and @odd:note://gone or me@odd:x?"))
        await session.settled()
        asked = house.script.seen[0].messages[0].text
    assert asked.splitlines()[2:] == [
        '<resource server="odd" uri="bytes://raw">',
        "(image/png, 6 bytes: not shown)",
        "</resource>",
        "",
        '<resource server="odd" uri="note://today">',
        "Nothing is on.",
        "</resource>",
    ]
    assert len(house.notices) == 1 and house.notices[0].startswith("@odd:note://gone is left out: ")


async def test_what_a_command_mentions_is_the_commands(house: Inhabited) -> None:
    await house.say("list them")
    async with house.session("done") as session:
        assert await external.take_input("/odd:review @odd:note://today", session) is None
        assert "Nothing is on." in str(await external.take_input("/odd/path @odd:note://today", session))


async def test_health_as_a_command(house: Inhabited) -> None:
    house.servers["gone"] = {"type": "local", "command": ["no-such-command-here"]}
    house.servers["off"] = {"enabled": False}
    async with house.session("done") as session:
        house.notices.clear()
        assert await (await session.host.commands())["mcps"].run("", session) is None
    lines = house.notices[-1].splitlines()
    assert [line.split("  ")[:2] for line in lines[:3]] == [
        ["✓ 11 tools", "odd"],
        ["✗ failed", "gone"],
        ["- disabled", "off"],
    ]
    assert "there is no command 'no-such-command-here'" in lines[3]


@given(st.lists(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), min_size=2, max_size=4))
def test_arguments_of_a_prompt_are_words_in_order(words: list[str]) -> None:
    takes = [{"name": f"a{n}", "required": True} for n in range(len(words))]
    assert prompts.given(takes, " ".join(words), "/x") == {f"a{n}": word for n, word in enumerate(words)}
    assert prompts.given(takes[:1], " ".join(words), "/x") == {"a0": " ".join(words)}
    assert prompts.given([], " ".join(words), "/x") == {}


# -- misbehaviour -------------------------------------------------------------------


@pytest.mark.parametrize("legacy", ["1", ""])
async def test_a_server_that_changes_while_it_runs(house: Inhabited, legacy: str) -> None:
    house.odd(legacy=legacy)
    await house.say("list")
    async with house.session(call("odd_grow"), call("odd_echo", text="x"), "done") as session:
        await session.submit(Say("go"))
        await until(lambda: house.notices)
        await session.settled()
        await until(lambda: "odd_echo" not in session.toolbox.specs)
    assert house.notices == ["the MCP server 'odd' has more tools now: fresh; the next session has them"]


async def test_schemas_that_are_cyclic_or_huge(house: Inhabited) -> None:
    house.odd(schema="odd")
    await house.say("go")
    names = [name.removeprefix("odd_") for name in house.offered]
    assert "cyclic" in names and "huge" not in names
    assert any("'huge'" in notice and "larger than 64 KB" in notice for notice in house.notices)
    said = await house.say(call("odd_cyclic", node={"next": {"next": {}}}), "done")
    assert said[2] == "tool: walked"


async def test_a_flood_in_the_middle_of_a_call(house: Inhabited) -> None:
    house.odd(flood="40")
    assert (await house.say(call("odd_echo", text="dry"), "done"))[2] == "tool: dry"


def test_restarts_come_slower_and_slower() -> None:
    assert [pause(starts) for starts in range(1, 5)] == [0, 0.25, 0.5, 1]


@asynccontextmanager
async def listening(variable: str) -> AsyncIterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    env = {**os.environ, variable: str(port), "ODD_LEGACY": "1"}
    with subprocess.Popen(ODD, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:  # noqa: ASYNC220
        try:
            await until(listens)
            yield port
        finally:
            process.kill()


@pytest.mark.parametrize("kind", ["remote", "sse"])
async def test_the_older_transport_is_spoken_when_it_is_the_only_one(house: Inhabited, kind: str) -> None:
    async with listening("ODD_SSE") as port:
        house.servers["odd"] = {"type": kind, "url": f"http://127.0.0.1:{port}/sse", "headers": {"X-Key": "k"}}
        house.answers = ['[["Eve"], [], []]']
        said = await house.say(call("odd_echo", text="old"), call("odd_form"), "done")
        assert said[2] == "tool: old" and said[4] == 'tool: accept {"name":"Eve","age":7,"sure":true}'
        assert house.notices == []
