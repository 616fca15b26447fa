"""Several sessions led at once: begun, gone on with, asked aside, put into another mode, handed to the user."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mimocode import Agent, Say, hookimpl
from mimocode.events import ApprovalAsked, Approve, CallFinished, ChooseModel, MessageAdded, Noted
from mimocode.session import Session
from mimocode.testing import MemoryStore, play
from mimocode_plugins.crew import actors, orchestrator
from mimocode_plugins.crew.children.team import team
from mimocode_plugins.crew.orchestrator import asking
from mimocode_plugins.crew.orchestrator.server import build
from mimocode_plugins.guard import permission
from mimocode_plugins.tools import files
from support import cast
from support.catalogues import catalogue
from support.cli import Cli

DONE = {"text": "Status: done\nSummary: did it\nIt is in a.py."}
LEADER = Agent("orchestrator", mode="primary")


class Crew:
    """Two primary agents; reading of `.env` files is asked about."""

    @hookimpl
    def register_agents(self) -> list[Agent]:
        return [Agent("build", mode="primary"), Agent("plan", mode="primary"), Agent("general", mode="subagent")]


def lead(action: str, **arguments: Any) -> dict[str, Any]:
    return {"calls": [{"name": "session", "arguments": {"action": action, **arguments}}]}


def create(topic: str, prompt: str, **more: Any) -> dict[str, Any]:
    return lead("create", topic=topic, prompt=prompt, **more)


def reads(path: str) -> dict[str, Any]:
    return {"calls": [{"name": "read", "arguments": {"file_path": path}}]}


@asynccontextmanager
async def stage(tmp_path: Path, agent: Agent = LEADER, **parts: Any) -> AsyncIterator[Session]:
    """A session of the orchestrator; the switch is on."""
    path = tmp_path / "parts.json"
    path.write_text(json.dumps(parts))
    plugins = [cast, Crew(), actors, orchestrator, permission, files]
    async with play(plugins=plugins, directory=tmp_path, agent=agent, store=MemoryStore(), allow=None) as session:
        await session.submit(ChooseModel(f"cast/{path}"))
        await session.settled()
        yield session


@pytest.fixture(autouse=True)
def switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMOCODE_EXPERIMENTAL_ORCHESTRATOR", "1")


async def said(session: Session, words: str = "go") -> list[str]:
    """What the tool answered in this turn."""
    before = len(session.state.messages)
    await session.submit(Say(words))
    await asyncio.wait_for(session.settled(), 30)
    return [m.text for m in list(session.state.messages)[before:] if m.role == "tool"]


async def until(session: Session, found: Callable[[Any], bool]) -> Any:
    """The next event of the host that fits."""
    async with asyncio.timeout(30):
        async for entry in session.host.follow():
            if found(entry.event):
                return entry
    raise AssertionError


async def test_a_topic_has_one_session_that_is_gone_on_with(tmp_path: Path) -> None:
    go = [
        create("fix login", "one thing"),
        lead("join", id="build-1"),
        create("fix login", "two things"),
        lead("join", id="fix login"),
        lead("list"),
        {"text": "Told."},
    ]
    async with stage(tmp_path, go=go, one=[DONE], two=[DONE]) as session:
        begun, first, again, second, listed = await said(session)
        [peer] = team(session).actors.values()
        log = [e.event for e in (await session.host.store()).read(peer.session) if isinstance(e.event, MessageAdded)]
    assert begun == "build-1 works on fix login; you are told when it is over."
    assert again == "build-1 goes on; you are told when it is over."
    assert first.startswith('<actor id="build-1" state="done"') and second == first
    assert listed == f"build-1 [done] fix login (did it) {peer.session}"
    heard = [fact.message.text.splitlines()[0] for fact in log if fact.message.role == "user"]
    assert heard == ["one thing", "two things"]


async def test_the_dashboard_says_how_each_stands_and_cancel_ends_one(tmp_path: Path) -> None:
    go = [create("a", "one thing"), create("b", "two things"), lead("join", id="build-1")]
    more = [
        lead("dashboard"),
        lead("cancel", id="b"),
        lead("cancel", id="b"),
        lead("status", id="a"),
        {"text": "Told."},
    ]
    async with stage(tmp_path, go=[*go, *more], one=[DONE], two=[{"hang": True}]) as session:
        *_, shown, gone, late, report = await said(session)
    first, second = shown.split("\n\n")
    assert first.splitlines()[0] == "build-1 [done] a (did it)" and "110 tokens" in first
    assert second.startswith("build-2 [running] b\n  agent build, ses_") and "0 steps, 0 tokens" in second
    assert gone == late == "build-2 [cancelled] b (cancelled by its caller)"
    assert report.startswith('<actor id="build-1" state="done"')


async def test_it_is_asked_aside_and_nothing_of_that_reaches_it(tmp_path: Path) -> None:
    aside = [reads("a.py"), {"text": "Status: done\nSummary: 1\nIt is one."}]
    go = [create("a", "one thing"), lead("join", id="a"), lead("ask", id="a", prompt="how much?"), {"text": "Told."}]
    async with stage(tmp_path, go=go, one=[DONE], **{"Aside,": aside}) as session:
        *_, answer = await said(session)
        peer, copy = team(session).actors.values()
        store = await session.host.store()
        of_peer = [e.event for e in store.read(peer.session)]
        of_copy = [e.event for e in store.read(copy.session)]
    assert answer == "Status: done\nSummary: 1\nIt is one."
    assert "how much?" not in str(of_peer)
    [refused] = [fact for fact in of_copy if isinstance(fact, CallFinished)]
    assert refused.content[0].text.startswith("Denied: ")
    assert "one thing" in str(of_copy), "it knows what the session was told"


async def test_another_agent_goes_on_in_it(tmp_path: Path) -> None:
    go = [
        create("a", "one thing"),
        lead("join", id="a"),
        lead("setmode", id="a", agent="plan"),
        lead("setmode", id="a", agent="general"),
        lead("send", id="a", prompt="two things"),
        lead("join", id="a"),
        {"text": "Told."},
    ]
    async with stage(tmp_path, go=go, one=[DONE], two=[DONE]) as session:
        answers = await said(session)
        [peer] = team(session).actors.values()
        chosen = [e.event for e in (await session.host.store()).read(peer.session) if hasattr(e.event, "agent")]
    assert answers[2] == "build-1 works as plan from here on."
    assert answers[3] == "There is no agent 'general' to hold a session; there is: build, plan."
    assert [fact.agent for fact in chosen] == ["build", "plan"]


async def test_what_it_asks_for_is_passed_on_and_approved_only_with_the_users_word(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KEY=1\n")
    go = [create("a", "one thing"), {"text": "Begun."}, {"text": "It asks."}]
    told = [lead("approve", id="a"), {"text": "Approved."}]
    parts = {"go": go, "one": [reads(".env"), DONE], "yes": [*told]}
    async with stage(tmp_path, **parts) as session:
        asked = asyncio.create_task(until(session, lambda e: isinstance(e, ApprovalAsked) and e.call.name == "read"))
        passed = asyncio.create_task(until(session, lambda e: "approval of read" in str(getattr(e, "message", ""))))
        await session.submit(Say("go"))
        await asked
        letter = await passed
        assert letter.session == session.id and "The user is asked, too; after 300 s it is a no." in str(letter.event)
        mine = asyncio.create_task(until(session, lambda e: isinstance(e, ApprovalAsked) and e.call.name == "session"))
        over = asyncio.create_task(until(session, lambda e: isinstance(e, Noted) and e.data.get("op") == "ended"))
        await session.submit(Say("yes let it"))
        question = (await mine).event
        assert 'session "approve" needs approval' in question.reason
        await session.submit(Approve(question.call.id, True))
        assert (await over).event.data["state"] == "done"


async def test_nobody_answers_and_it_is_a_no(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.05)
    (tmp_path / ".env").write_text("KEY=1\n")
    go = [create("a", "one thing"), lead("join", id="a"), {"text": "Told."}]
    async with stage(tmp_path, go=go, one=[reads(".env"), DONE]) as session:
        _, report = await said(session)
        [peer] = team(session).actors.values()
        facts = [e.event for e in (await session.host.store()).read(peer.session)]
    assert 'state="done"' in report
    [refused] = [fact for fact in facts if isinstance(fact, CallFinished)]
    assert "nobody answered within 0.05 s" in refused.content[0].text


async def test_the_user_is_taken_to_a_session_that_rests_when_the_turn_is_over(tmp_path: Path) -> None:
    go = [
        create("a", "one thing"),
        lead("switch", id="a"),
        lead("join", id="a"),
        lead("switch", id="a"),
        {"text": "Told."},
    ]
    async with stage(tmp_path, go=go, one=[{**DONE, "delay": 0.2}]) as session:
        _, busy, _, going = await said(session)
        [peer] = team(session).actors.values()
        assert busy == "build-1 is at work; wait for it with join, or cancel it. Then the user can go there."
        assert going.endswith(f"elsewhere with mimo --session {peer.session}.")
        assert [dict(note) for note in session.state.notes["orchestrator"]] == [{"go_to": peer.session}]


async def test_only_the_orchestrator_leads_and_only_with_the_switch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(tmp_path, Agent("build", mode="primary"), go=[lead("list"), {"text": "Told."}]) as session:
        assert await said(session) == ["Denied: only the agent orchestrator leads other sessions"]
        async with session.host.open(parent=session) as child:
            assert "session" not in child.toolbox.specs
    monkeypatch.delenv("MIMOCODE_EXPERIMENTAL_ORCHESTRATOR")
    async with stage(tmp_path) as session:
        assert "session" not in session.toolbox.specs


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"action": "create", "prompt": "x"}, "Give a topic in a few words"),
        (
            {"action": "create", "topic": "x", "prompt": "x", "agent": "orchestrator"},
            "There is no agent 'orchestrator'",
        ),
        ({"action": "send", "id": "x", "prompt": "x"}, "There is no session 'x'; there is: none yet."),
        ({"action": "dance"}, "action is one of create, send, list"),
        ({"action": "dashboard"}, "No sessions yet."),
    ],
)
async def test_what_is_refused(tmp_path: Path, arguments: dict[str, Any], why: str) -> None:
    go = [{"calls": [{"name": "session", "arguments": arguments}]}, {"text": "Told."}]
    async with stage(tmp_path, go=go) as session:
        [answer] = await said(session)
    assert why in answer


async def test_the_catalogue_is_what_the_server_lists() -> None:
    assert Path(str(orchestrator.__file__)).with_name("catalogue.json").read_text() == await catalogue(build(None))


def test_from_the_command_line(cli: Cli) -> None:
    cli.plugin("cast", Path(str(cast.__file__)).read_text())
    found = {"calls": [{"name": "tool_search", "arguments": {"query": "session"}}]}
    edit = {"calls": [{"name": "write", "arguments": {"file_path": "a.py", "content": "a = 1\n"}}]}
    parts = {"go": [found, create("a", "one thing"), lead("join", id="a"), {"text": "Both told."}], "one": [edit, DONE]}
    (cli.home / "parts.json").write_text(json.dumps(parts))
    cli.settings(model=f"cast/{cli.home}/parts.json")
    flag = {"MIMOCODE_EXPERIMENTAL_ORCHESTRATOR": "1"}
    assert "orchestrator" not in cli("agent", "list").out
    names = [line.split()[0] for line in cli("agent", "list", **flag).out.splitlines() if not line.startswith(" ")]
    assert names[:5] == ["build", "plan", "compose", "orchestrator", "max"]
    done = cli("run", "--yolo", "--agent", "orchestrator", "go", **flag)
    assert (done.code, done.out) == (0, "Both told.\n"), done.err
    assert (cli.project / "a.py").read_text() == "a = 1\n"
    [peer] = json.loads(cli("agents", "--json").out)
    assert (peer["id"], peer["agent"], peer["description"], peer["state"]) == ("build-1", "build", "a", "done")
