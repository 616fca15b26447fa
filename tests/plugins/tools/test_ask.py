"""Questions that wait for an answer from any front end, and directories that a session moves to."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import hookimpl
from mimocode.events import ApprovalGiven, Approve, ChooseAgent, Interrupt, Noted, Rewind, Say, ToolProgress
from mimocode.messages import ToolCall
from mimocode.ports import Agent
from mimocode.session import Session
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.context import prompt
from mimocode_plugins.guard import permission
from mimocode_plugins.tools import ask, shell
from mimocode_plugins.tools.ask.asking import answers
from mimocode_plugins.tools.ask.server import build
from support.catalogues import catalogue
from support.cli import Cli

QUESTIONS = [
    {"question": "Which one?", "header": "Choice", "options": [{"label": "A", "description": "first"}, {"label": "B"}]},
    {"question": "And these?", "options": [{"label": "X"}, {"label": "Y"}], "multiple": True},
]
ASKS = [ToolCall("q1", "question", {"questions": QUESTIONS})]


class FrontEnd:
    """Answers what is asked, knowing only the log and the operations."""

    def __init__(self, *answers: Approve) -> None:
        self.answers, self.asked = list(answers), list[Any]()

    @hookimpl
    async def on_event(self, event: Any, session: Session) -> None:
        if isinstance(event, Noted) and event.plugin == "question":
            self.asked.append(event.data)
            if self.answers:
                await session.submit(self.answers.pop(0))


async def _turn(session: Session, text: str = "go") -> None:
    await session.submit(Say(text))
    await session.settled()


async def test_a_question_waits_for_the_answer(tmp_path: Path) -> None:
    store = MemoryStore()
    front = FrontEnd(Approve("q1", True, json.dumps([["B"], ["X", "my own"]])))
    async with play(ASKS, "done", plugins=[ask, front], directory=tmp_path, store=store, questions=True) as session:
        await _turn(session)
        assert talk(session)[2] == 'tool: "Which one?" = "B"\n"And these?" = "X, my own"'
        assert front.asked == [
            {
                "call": "q1",
                "questions": [
                    {
                        "question": "Which one?",
                        "header": "Choice",
                        "options": [{"label": "A", "description": "first"}, {"label": "B", "description": ""}],
                        "multiple": False,
                    },
                    {
                        "question": "And these?",
                        "header": "",
                        "options": [{"label": "X", "description": ""}, {"label": "Y", "description": ""}],
                        "multiple": True,
                    },
                ],
            }
        ]
        log = [entry.event for entry in store.facts[session.id]]
        assert [event.allow for event in log if isinstance(event, ApprovalGiven) and event.call_id == "q1"][-1]


async def test_the_user_may_decline(tmp_path: Path) -> None:
    front = FrontEnd(Approve("q1", False, "just try"))
    async with play(ASKS, "done", plugins=[ask, front], directory=tmp_path, questions=True) as session:
        await _turn(session)
        assert talk(session)[2] == "tool: The user did not answer: just try"


@pytest.mark.parametrize("options", [{}, {"questions": True, "never_ask": True}])
async def test_where_nobody_is_there_the_agent_decides_itself(tmp_path: Path, options: dict[str, Any]) -> None:
    async with play(ASKS, "done", plugins=[ask], directory=tmp_path, **options) as session:
        await _turn(session)
        assert talk(session)[2] == (
            "tool: Nobody is there to answer. Decide yourself, and say at the end what you assumed."
        )


async def test_an_interruption_ends_the_waiting(tmp_path: Path) -> None:
    front = FrontEnd()
    async with play(ASKS, "on", plugins=[ask, front], directory=tmp_path, questions=True) as session:
        await session.submit(Say("go"))
        async with asyncio.timeout(20):
            async for entry in session.follow():
                if isinstance(entry.event, Noted):
                    break
        await session.submit(Interrupt())
        await session.settled()
        assert "cut short" in talk(session)[2]
        await session.submit(Approve("q1", True, "too late"))
        await _turn(session, "again")
        assert talk(session)[-1] == "assistant: on"


@given(
    st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps),
    st.integers(1, 4),
)
def test_whatever_comes_back_every_question_has_its_answers(message: str, count: int) -> None:
    found = answers(message, count)
    assert len(found) == count and all(isinstance(text, str) for texts in found for text in texts)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("A", [["A"], []]),
        ('["A", "B"]', [["A"], ["B"]]),
        ('[["A", "B"]]', [["A", "B"], []]),
        ("", [[], []]),
        ("42", [["42"], []]),
        ('[["A"], ["B"], ["C"]]', [["A"], ["B"]]),
    ],
)
def test_answers_in_several_forms(message: str, expected: list[list[str]]) -> None:
    assert answers(message, 2) == expected


def test_run_answers_no_questions(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    calls = [{"name": "question", "arguments": {"questions": [{"question": "Which?"}]}}]
    done = cli("run", "--format", "json", "-m", cli.scenario([{"calls": calls}, {"text": "I took A."}]), "go")
    assert done.code == 0 and "Nobody is there to answer" in done.out


# -- change_directory ---------------------------------------------------------------


def _cd(path: str | None) -> list[ToolCall]:
    return [ToolCall(f"cd{path}", "change_directory", {} if path is None else {"path": path})]


def _pwd(number: int) -> list[ToolCall]:
    return [ToolCall(f"pwd{number}", "bash", {"command": "pwd", "description": "where"})]


async def test_a_session_moves_stays_there_and_comes_back(tmp_path: Path) -> None:
    inner = tmp_path / "a/b"
    inner.mkdir(parents=True)
    store = MemoryStore()
    lines = [_cd("a"), _cd("b"), _pwd(1), "there"]
    async with play(*lines, plugins=[ask, shell], directory=tmp_path, store=store) as session:
        await _turn(session)
        said = [line for line in talk(session) if line.startswith("tool")]
        assert said[:2] == [f"tool: Working in {tmp_path}/a now.", f"tool: Working in {inner} now."]
        assert str(inner) in said[2]
        id = session.id
    again = [_pwd(2), _cd(None), _pwd(3), "back"]
    async with play(*again, plugins=[ask, shell], directory=tmp_path, store=store, session_id=id) as session:
        assert session.directory == inner
        async with session.host.open(parent=session) as child:
            assert child.directory == inner
        await _turn(session)
        assert session.directory == tmp_path
        await session.submit(Rewind(session.state.turns[-1][0] - 1))
        await session.settled()
        assert session.directory == inner
    inner.rmdir()
    async with play(plugins=[ask], directory=tmp_path, store=store, session_id=id) as session:
        assert session.directory == tmp_path


@pytest.mark.parametrize(
    ("path", "message"),
    [("missing", "is not there."), ("file", "is not a directory."), ("a\0b", "NUL"), ("round", "not")],
)
async def test_what_is_no_directory_changes_nothing(tmp_path: Path, path: str, message: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "round").symlink_to("round")
    async with play(_cd(path), "done", plugins=[ask], directory=tmp_path) as session:
        await _turn(session)
        assert message in talk(session)[2]
        assert session.directory == tmp_path


async def test_leaving_the_project_is_asked(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    agent = Agent("a")
    async with play(
        _cd(".."), _cd(str(tmp_path)), "done", plugins=[permission, ask], directory=project, agent=agent, allow=False
    ) as session:
        await _turn(session)
        assert [line.split(":")[1] for line in talk(session) if line.startswith("tool")] == [" Denied", " Denied"]
        assert session.directory == project


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.ask"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(None))  # type: ignore[arg-type]


PLAN = ".mimocode/plans/grow.md"
WRITES = [ToolCall("w1", "bash", {"command": f"echo grow > {PLAN}", "description": "Write the plan"})]
LEAVES = [ToolCall("p1", "plan_exit", {})]


class Agents:
    """The two agents of a plan."""

    @hookimpl
    def register_agents(self) -> list[Agent]:
        return [Agent("plan", prompt="You plan."), Agent("build", prompt="You build.")]


def _plan(project: Path) -> None:
    (project / ".mimocode/plans").mkdir(parents=True)
    for name in ("grow.md", "older.md"):
        (project / ".mimocode/plans" / name).write_text("grow")
    os.utime(project / PLAN, (1, 1))  # the one of this conversation counts, not the newest


async def test_a_plan_that_the_user_agrees_to_is_carried_out_by_build_in_a_turn_of_its_own(tmp_path: Path) -> None:
    _plan(tmp_path)
    front = FrontEnd(Approve("p1", True, json.dumps([["Yes"]])))
    script = (WRITES, LEAVES, "the plan is agreed to", "carried out")
    async with play(
        *script,
        plugins=[ask, shell, Agents(), prompt, front],
        directory=tmp_path,
        agent=Agent("plan", prompt="You plan."),
        questions=True,
    ) as session:
        await _turn(session)
        lines = talk(session)
        assert front.asked[0]["questions"][0]["question"] == f"The plan {tmp_path / PLAN} is ready. Carry it out?"
        assert [option["label"] for option in front.asked[0]["questions"][0]["options"]] == ["Yes", "No"]
        assert "tool: The user agreed. The agent build carries the plan out when you stop" in "\n".join(lines)
        agreed = f"user: The plan {tmp_path / PLAN} is agreed to. Carry it out."
        assert lines[-1] == "assistant: carried out" and agreed in lines
        assert "You build." in lines[lines.index(agreed) - 1]
        assert (session.agent.name, len(session.state.turns)) == ("build", 2)
        assert session.host.options["complaints"] == []
        await session.submit(ChooseAgent("plan"))
        await _turn(session, "plan more")
        assert session.agent.name == "plan"  # an agreement holds for its turn, not for later ones


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Approve("p1", True, json.dumps([["No"]])), "The user answered: No.\nGo on planning with that."),
        (Approve("p1", True, "yes, but smaller"), "The user answered: yes, but smaller\nGo on planning with that."),
        (Approve("p1", True, "[[]]"), "The user answered: No.\nGo on planning with that."),
        (Approve("p1", False, "later"), "The user did not answer: later"),
    ],
)
async def test_anything_but_yes_means_going_on_with_the_plan(tmp_path: Path, answer: Approve, told: str) -> None:
    _plan(tmp_path)
    async with play(
        LEAVES,
        "going on",
        plugins=[ask, FrontEnd(answer), Agents()],
        directory=tmp_path,
        agent=Agent("plan"),
        questions=True,
    ) as session:
        await _turn(session)
        assert talk(session)[2:] == [f"tool: {told}", "assistant: going on"]
        assert session.agent.name == "plan"


@pytest.mark.parametrize(
    ("agent", "planned", "options", "told"),
    [
        ("build", True, {"questions": True}, "Only the agent plan leaves planning, and this is build."),
        ("plan", False, {"questions": True}, "There is no plan yet: write it to .mimocode/plans/NAME.md first."),
        ("plan", True, {}, "Nobody is there to agree to the plan. Say that it is ready and where it is, and stop."),
        ("plan", True, {"questions": True, "never_ask": True}, "Nobody is there to agree to the plan."),
    ],
)
async def test_planning_is_left_only_with_a_plan_and_a_user(
    tmp_path: Path, agent: str, planned: bool, options: dict[str, Any], told: str
) -> None:
    if planned:
        _plan(tmp_path)
    async with play(
        LEAVES, "on", plugins=[ask, Agents()], directory=tmp_path, agent=Agent(agent), **options
    ) as session:
        await _turn(session)
        assert talk(session)[2].startswith(f"tool: {told}")
        assert session.agent.name == agent


async def test_an_interrupted_turn_hands_nothing_over(tmp_path: Path) -> None:
    _plan(tmp_path)
    front = FrontEnd(Approve("p1", True, "Yes"))
    waits = [ToolCall("s1", "bash", {"command": "echo begun; sleep 600", "description": "Wait"})]
    async with play(
        LEAVES,
        waits,
        "x",
        plugins=[ask, shell, front, Agents()],
        directory=tmp_path,
        agent=Agent("plan"),
        questions=True,
    ) as session:
        await session.submit(Say("go"))
        async with asyncio.timeout(60):
            async for entry in session.follow():
                if isinstance(entry.event, ToolProgress):
                    break
        await session.submit(Interrupt())
        await session.settled()
        assert (session.agent.name, len(session.state.turns)) == ("plan", 1)
