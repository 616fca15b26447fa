"""Tools that wait until they are looked for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import hookimpl
from mimocode.events import Say
from mimocode.messages import ToolCall, ToolSpec
from mimocode.ports import Agent, Ruling, ToolServer, Verdict
from mimocode.session import Session
from mimocode.testing import MemoryStore, play, talk
from mimocode.turn import open_window
from mimocode_plugins.tools import deferred
from mimocode_plugins.tools.deferred import shelf
from mimocode_plugins.tools.deferred.finding import find
from mimocode_plugins.tools.deferred.settings import ToolSearch
from plugins.tools.test_external import House, call
from support.cli import Cli
from support.job import settings as configure
from support.model_server import ModelServer

EDITS = {"file_path": "a.txt", "edits": [{"old_string": "one", "new_string": "two"}]}
OBJECT: dict[str, Any] = {"type": "object", "properties": {}}


@dataclass
class Shop:
    """A plugin with three tools of ours, two of which wait."""

    folder: Path

    @hookimpl
    def tool_servers(self) -> Iterable[ToolServer]:
        def build() -> Any:
            from mcp.server.mcpserver import MCPServer

            server = MCPServer("shop", log_level="ERROR")
            for name in ("apple", "pear", "plum"):
                server.add_tool(lambda size=1, name=name: f"{name} {size + 0}", name=name, structured_output=False)
            return server

        def tool(name: str, about: str, **ours: Any) -> dict[str, Any]:
            return {"name": name, "description": about, "input_schema": OBJECT, "meta": {"mimocode": ours}}

        path = self.folder / "catalogue.json"
        listed = [
            tool("apple", "Pick an apple."),
            tool("pear", "Pick a pear from a tree.", deferred=True),
            tool("plum", "Shake a plum from a tree.", deferred=True),
        ]
        path.write_text(json.dumps(listed))
        return [ToolServer("shop", build, path)]

    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


def names(session: Session) -> list[list[str]]:
    """The tools of each request."""
    return [[tool.name for tool in prompt.tools] for prompt in session.model.seen]  # type: ignore[union-attr]


async def go(session: Session) -> None:
    await session.submit(Say("go"))
    await session.settled()


def wanted(query: str) -> list[ToolCall]:
    return call("tool_search", query=query)


async def test_what_is_found_joins_at_the_end_and_nothing_before_it_moves(tmp_path: Path) -> None:
    lines = [wanted("something from trees"), call("plum"), "done", "again"]
    async with play(*lines, plugins=[Shop(tmp_path), deferred], directory=tmp_path) as session:
        await go(session)
        await go(session)
        assert names(session) == [["tool_search", "apple"], *[["tool_search", "apple", "pear", "plum"]] * 3]
        first, *later = [prompt.tools for prompt in session.model.seen]  # type: ignore[union-attr]
        assert all(tools is later[0] for tools in later) and later[0][:2] == first
        assert first[0].description.endswith("\nTools that wait: pear, plum.")
        said = talk(session)
        assert said[2].splitlines() == [
            "tool: You can call these from now on:",
            "- pear: Pick a pear from a tree.",
            "- plum: Shake a plum from a tree.",
        ]
        assert said[4] == "tool: plum 1"


async def test_a_session_that_is_opened_again_tells_the_same(tmp_path: Path) -> None:
    store, plugins = MemoryStore(), [Shop(tmp_path), deferred]
    async with play(wanted("pear"), "done", plugins=plugins, store=store, directory=tmp_path) as session:
        await go(session)
        before, id = names(session)[-1], session.id
    async with play("again", "and again", plugins=plugins, store=store, session_id=id, directory=tmp_path) as session:
        await go(session)
        assert names(session) == [before] == [["tool_search", "apple", "pear"]]
        await open_window(session, "test")
        await go(session)
        assert names(session)[-1] == before


async def test_calling_by_name_works_and_a_failure_tells_the_tool(tmp_path: Path) -> None:
    lines = [call("plum", size=2), call("pear", size="huge"), "done"]
    async with play(*lines, plugins=[Shop(tmp_path), deferred], directory=tmp_path) as session:
        await go(session)
        assert talk(session)[2] == "tool: plum 2" and "Error" in talk(session)[4]
        assert names(session) == [*[["tool_search", "apple"]] * 2, ["tool_search", "apple", "pear"]]


async def test_nothing_that_fits(tmp_path: Path) -> None:
    async with play(wanted("zebra"), "done", plugins=[Shop(tmp_path), deferred], directory=tmp_path) as session:
        await go(session)
        assert talk(session)[2] == "tool: No tool fits. There are: pear, plum"
        assert names(session)[-1] == ["tool_search", "apple"] and not session.state.notes.get("tool_search")


@pytest.mark.parametrize(
    ("tools", "told"),
    [
        ({"pear": True}, ["tool_search", "apple", "pear"]),
        ({"*": True}, ["tool_search", "apple"]),
        ({"plum": False}, ["tool_search", "apple"]),
        ({"pear": True, "plum": True}, ["apple", "pear", "plum"]),
        ({"tool_search": False}, ["apple", "pear", "plum"]),
        ({"*": False, "plum": True}, ["plum"]),
    ],
)
async def test_what_an_agent_asks_for_by_name_does_not_wait(
    tmp_path: Path, tools: dict[str, bool], told: list[str]
) -> None:
    agent = Agent("picker", tools=tools)
    async with play("done", plugins=[Shop(tmp_path), deferred], directory=tmp_path, agent=agent) as session:
        await go(session)
        assert names(session) == [told]


async def test_past_a_number_the_ones_found_first_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST", 1)
    lines = [wanted("pear"), wanted("plum"), "done"]
    async with play(*lines, plugins=[Shop(tmp_path), deferred], directory=tmp_path) as session:
        await go(session)
        assert names(session)[1:] == [["tool_search", "apple", "pear"], ["tool_search", "apple", "plum"]]


# -- servers of others --------------------------------------------------------------


async def test_a_server_past_the_budget_waits_and_its_tools_work_when_found(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    house = House(tmp_path)
    house.plugins.append(deferred)
    house.more["tool_search"] = ToolSearch(budget=0)
    house.odd()
    said = await house.say(wanted("say it again"), call("odd_echo", text="found"), "done")
    assert "- odd_echo: Say it again." in said[2] and said[4] == "tool: found"
    seen = [[tool.name for tool in prompt.tools] for prompt in house.script.seen]
    assert seen[0] == ["tool_search"] and seen[-1] == ["tool_search", "odd_echo"]
    assert "Of odd: odd_die, odd_echo, " in house.script.seen[0].tools[0].description
    house.more["tool_search"] = ToolSearch(budget=100_000)
    await house.say("done")
    assert "odd_echo" in house.offered and "tool_search" not in house.offered


async def test_tools_that_arrive_late_can_be_found(tmp_path: Path) -> None:
    (tmp_path / "catalogue.json").write_text(
        json.dumps([{"name": "fig", "description": "Pick a fig.", "input_schema": OBJECT}])
    )

    async def late(session: Session) -> None:
        session.toolbox.offer("late", [ToolServer("late", lambda: None, tmp_path / "catalogue.json", external=True)])

    lines = ["done", wanted("fig"), "done"]
    async with play(*lines, plugins=[Shop(tmp_path), deferred], directory=tmp_path) as session:
        await go(session)
        (tmp_path / "catalogue.json").write_text(
            json.dumps([{"name": "fig", "description": "Pick a fig.", "input_schema": OBJECT}])
        )
        await late(session)
        await go(session)
        assert names(session) == [*[["tool_search", "apple"]] * 2, ["tool_search", "apple", "late_fig"]]


def spec(name: str, size: int = 0, server: str = "", **ours: Any) -> ToolSpec:
    meta = {"mimocode": {**ours, **({"remote_name": name} if server else {})}}
    return ToolSpec(name, "x" * size, OBJECT, server or "ours", meta=meta)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4000), st.booleans()), max_size=12), st.integers(0, 5000))
def test_whole_servers_wait_until_the_rest_fits(drawn: list[tuple[int, int, bool]], budget: int) -> None:
    tools = [
        spec(f"t{n}", size, server=f"s{which}" if which else "", **({"deferred": True} if flag else {}))
        for n, (which, size, flag) in enumerate(drawn)
    ]
    waiting = shelf.waits(tools, Agent("a"), True, budget)
    theirs = [tool for tool in tools if shelf.external(tool)]
    told = [tool for tool in theirs if tool.name not in waiting]
    marked = {tool.name for tool in tools if tool.meta["mimocode"].get("deferred")}
    cost = sum(map(shelf._tokens, theirs))
    whole = {tool.server for tool in theirs if tool.name in waiting - marked}
    assert marked <= waiting
    assert sum(map(shelf._tokens, told)) <= budget or not told
    assert (waiting == marked) or cost > budget
    assert all(tool.name in waiting for tool in theirs if tool.server in whole)
    assert shelf.waits(tools, Agent("a"), False, budget) == set()


def test_names_that_are_too_many_are_only_counted() -> None:
    tools = [spec("one"), *(spec(f"big_{n:04}", server="big") for n in range(300)), spec("small_x", server="small")]
    assert shelf._names(tools).splitlines() == ["Tools that wait: one.", "Of big: 300 tools.", "Of small: 1 tools."]


TOOLS = [
    ToolSpec("github_create_pull_request", "Open a new pull request in a repository", OBJECT),
    ToolSpec("github_list_issues", "List issues, filtered by state and label", OBJECT),
    ToolSpec("webfetch", "Reads a public web page as text", OBJECT),
    ToolSpec("websearch", "Searches the web", OBJECT),
    ToolSpec("db_runQuery", "Execute SQL against the warehouse", OBJECT),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("webfetch", ["webfetch"]),
        ("I need websearch, webfetch.", ["webfetch", "websearch"]),
        ("open a PR: pull requests", ["github_create_pull_request"]),
        ("which issues are there", ["github_list_issues"]),
        ("run a query", ["db_runQuery"]),
        ("fetch the page of a web site", ["webfetch"]),
        ("的", []),
        ("", []),
    ],
)
def test_tools_are_found_by_name_or_by_what_they_do(query: str, found: list[str]) -> None:
    assert [tool.name for tool in find(query, TOOLS, 8)] == found


@given(st.text(max_size=60), st.integers(1, 20))
def test_any_question_has_an_answer(query: str, most: int) -> None:
    found = find(query, TOOLS, most)
    assert len(found) <= most and all(tool in TOOLS for tool in found)


# -- as shipped ---------------------------------------------------------------------


def test_what_a_model_is_told_over_the_wire(cli: Cli) -> None:
    """The shipped set: a search, and from then on a request that begins with the one before."""
    (cli.project / "a.txt").write_text("one\n")
    steps = [
        {"calls": [{"name": "tool_search", "arguments": {"query": "multiedit"}}]},
        {"calls": [{"name": "read", "arguments": {"file_path": "a.txt"}}]},
        {"calls": [{"name": "multiedit", "arguments": EDITS}]},
        {"text": "Done."},
    ]
    with ModelServer(steps) as server:
        configure(cli, server, "chat")
        done = cli("run", "go")
    assert (done.code, done.out, (cli.project / "a.txt").read_text()) == (0, "Done.\n", "two\n"), done.err
    told = [[tool["function"]["name"] for tool in request.body["tools"]] for request in server.requests]
    hidden = {"multiedit", "notebook_edit", "webfetch", "view_image"}
    assert not hidden & {*told[0]} and "tool_search" in told[0]
    assert told[1:] == [[*told[0], "multiedit"]] * 3
    assert server.prefix_kept()[2:] == [1.0, 1.0]
