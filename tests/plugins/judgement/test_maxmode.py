"""Max Mode: several proposals, nothing done by any of them, exactly one carried out, every token counted."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import Ruling, Say, ToolCall, Verdict, hookimpl
from mimocode.errors import ModelError, ModelFault
from mimocode.events import Event, Notice, Pulse
from mimocode.messages import Usage, assistant
from mimocode.ports import Agent, Answer, Prompt
from mimocode.session import Session
from mimocode.testing import Script, play, talk
from mimocode_plugins.crew import commands
from mimocode_plugins.judgement import maxmode
from mimocode_plugins.judgement.maxmode import proposals
from mimocode_plugins.judgement.maxmode.proposals import Candidate, grouped, majority, same
from mimocode_plugins.tools import shell
from support.noisy import worked

STEPS = 20
DOWN = ModelError(ModelFault.SERVER, "down")
MAX = Agent("max")


def touch(name: str) -> list[ToolCall]:
    return [ToolCall(f"c-{name}", "bash", {"command": f"touch {name}"})]


class Crowd:
    """A model: each step has one list of lines for its candidates, then lines for the judge. Counts its tokens."""

    ref, window = "script/lines", 200_000

    def __init__(self, steps: list[list[Any]], judge: list[Any]) -> None:
        self.steps, self.judge, self.used = steps, judge, Usage()
        self.asked: list[Prompt] = []
        self.questions: list[str] = []
        self._step: list[Any] = []

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        if prompt.session.endswith(":max-judge"):
            self.questions.append(prompt.messages[0].text)
            line = self.judge.pop(0)
        else:
            self.asked.append(prompt)
            if not self._step:
                self._step = list(self.steps.pop(0))
            line = self._step.pop(0)
            await asyncio.sleep(0)
        if isinstance(line, Exception):
            raise line
        usage = Usage(10, 1, cost=0.5)
        self.used += usage
        message = assistant(line) if isinstance(line, str) else assistant("", *line)
        yield Answer(message, usage, "calls" if message.calls else "stop")


class Hall:
    """Puts the crowd in the place of the script's model and keeps what was announced."""

    def __init__(self, steps: list[list[Any]], judge: list[Any] = []) -> None:  # noqa: B006
        self.crowd, self.heard = Crowd(steps, list(judge)), list[str]()

    @hookimpl(tryfirst=True)
    async def wrap_model(self, model: Script) -> Crowd:
        return self.crowd

    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)

    @hookimpl
    async def on_event(self, event: Event) -> None:
        if isinstance(event, Notice) and event.source == "maxmode":
            self.heard.append(event.text)


async def went(hall: Hall, directory: Path, agent: Agent = MAX, text: str = "go", **options: Any) -> Session:
    plugins = [commands, maxmode, shell, hall]
    async with play(plugins=plugins, directory=directory, agent=agent, **options) as session:
        await session.submit(Say(text))
        await session.settled()
    return session


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def steps(session: Session) -> list[dict[str, Any]]:
    return [dict(note) for note in session.state.notes.get("maxmode", ()) if note["op"] == "step"]


async def test_five_propose_one_is_carried_out_and_all_are_counted(tmp_path: Path) -> None:
    choice = '{"choice": 1, "reason": "it is the smallest"}'
    hall = Hall([[touch("a"), touch("b"), touch("c"), touch("d"), touch("e")], ["done"] * 5], [choice])
    session = await went(hall, tmp_path)
    first, last = steps(session)
    [made] = files(tmp_path)
    assert made == "abcde"[first["chosen"]]
    assert first["candidates"][first["chosen"]]["calls"] == [
        {"name": "bash", "arguments": {"command": f"touch {made}"}}
    ]
    assert (first["by"], first["reason"]) == ("judge", "it is the smallest")
    assert (last["by"], last["chosen"], last["reason"]) == ("majority", 0, "5 of 5 propose the same")
    assert session.state.usage == hall.crowd.used == Usage(110, 11, cost=5.5)
    assert session.state.context == 11, "the window holds the winner alone"
    assert [c["temperature"] for c in first["candidates"]] == [None, 1.0, 0.7, 1.0, 0.4]
    assert len({c["angle"] for c in first["candidates"]}) == 5
    assert talk(session) == [
        "user: go",
        f"assistant: bash(command='touch {made}')",
        "tool: (no output)",
        "assistant: done",
    ]
    assert "user: go" in hall.crowd.questions[0]
    assert hall.crowd.questions[0].count("<proposal ") == 5


def hashes(directory: Path) -> dict[str, str]:
    paths = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


async def test_until_one_is_chosen_not_a_byte_of_the_project_differs(tmp_path: Path) -> None:
    """Five proposals that would write, delete and append; the project is hashed while the judge thinks."""
    for name in ("kept.txt", "sub/kept.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    before, seen = hashes(tmp_path), list[dict[str, str]]()
    wild = ("rm -r sub", "echo x >> kept.txt", "mv kept.txt gone", "touch new", "echo y > sub/kept.txt")
    hall = Hall(
        [[[ToolCall(f"c{n}", "bash", {"command": command})] for n, command in enumerate(wild)], ["done"] * 5],
        ['{"choice": 2, "reason": "why not"}'],
    )

    class Watching(Crowd):
        async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
            seen.append(hashes(tmp_path))
            async for piece in super().stream(prompt):
                yield piece

    hall.crowd = Watching(hall.crowd.steps, hall.crowd.judge)
    session = await went(hall, tmp_path)
    assert seen[:6] == [before] * 6, "five candidates and their judge"
    started = [call for message in session.state.messages for call in message.calls]
    assert [call.arguments["command"] for call in started] == [wild[steps(session)[0]["chosen"]]]
    assert hashes(tmp_path) != before


async def test_the_first_candidate_is_the_ordinary_request_and_angles_only_follow_it(tmp_path: Path) -> None:
    hall = Hall([["done"] * 5])
    session = await went(hall, tmp_path)
    ordinary, *others = hall.crowd.asked
    assert [m.text for m in ordinary.messages] == ["go"]
    assert ordinary.session == session.id
    for other in others:
        assert [m.text for m in other.messages][:1] == ["go"]
        assert len(other.messages) == 2
        assert other.session.startswith(f"{session.id}:")


async def test_proposals_that_differ_only_in_form_are_one(tmp_path: Path) -> None:
    spelled = [
        [ToolCall("1", "bash", {"command": "touch a", "timeout": 5000})],
        [ToolCall("2", "bash", {"timeout": 5000.0, "command": "touch a\n"})],
        [ToolCall("3", "bash", {"command": "touch a", "timeout": 5000, "description": None})],
        touch("b"),
        "stop",
    ]
    session = await went(Hall([spelled, ["done"] * 5]), tmp_path)
    assert steps(session)[0]["groups"] == [[0, 1, 2], [3], [4]]
    assert steps(session)[0]["by"] == "majority"
    assert files(tmp_path) == ["a"]


def test_an_edit_that_is_indented_otherwise_is_another() -> None:
    said = [assistant("", ToolCall(str(n), "edit", {"new_string": f"{' ' * n}return 1"})) for n in (4, 4, 8)]
    groups = grouped([Candidate(n, answer=Answer(each)) for n, each in enumerate(said)])
    assert [[one.number for one in group.members] for group in groups] == [[0, 1], [2]]


async def test_a_sole_survivor_needs_no_judge(tmp_path: Path) -> None:
    session = await went(Hall([[DOWN, DOWN, "done", DOWN, DOWN]]), tmp_path)
    [step] = steps(session)
    assert (step["chosen"], step["by"]) == (2, "survivor")
    assert [c.get("error", "") for c in step["candidates"]] == ["down", "down", "", "down", "down"]
    assert session.state.usage == Usage(10, 1, cost=0.5), "those that failed said nothing that could be counted"


async def test_a_provider_that_breaks_costs_its_own_candidate(tmp_path: Path) -> None:
    hall = Hall([[KeyError("choices"), touch("a"), touch("a"), touch("b"), DOWN], ["done"] * 5], [])
    session = await went(hall, tmp_path)
    assert files(tmp_path) == ["a"]
    assert [each.get("error") for each in steps(session)[0]["candidates"]][::4] == ["KeyError: 'choices'", "down"]


async def test_when_all_fail_an_ordinary_step_is_taken(tmp_path: Path) -> None:
    hall = Hall([[DOWN] * 5, ["saved"]])
    session = await went(hall, tmp_path)
    assert talk(session) == ["user: go", "assistant: saved"]
    assert hall.heard == ["none of 5 candidates answered; an ordinary step instead"]
    assert steps(session)[0]["by"] == "none"


async def test_what_fails_for_one_fails_for_all(tmp_path: Path) -> None:
    overflow = ModelError(ModelFault.OVERFLOW, "too long")
    session = await went(Hall([[overflow] * 5]), tmp_path)
    assert steps(session) == []
    assert talk(session) == ["user: go"]


@pytest.mark.parametrize("judge", [["I like them all", "1"], [DOWN], ['{"choice": 9}', '{"choice": true}']])
async def test_without_a_judgement_most_win_and_equals_draw(tmp_path: Path, judge: list[Any]) -> None:
    proposed = [touch("a"), touch("b"), touch("b"), touch("c"), touch("d")]
    hall = Hall([proposed, ["done"] * 5], judge)
    session = await went(hall, tmp_path)
    assert steps(session)[0]["by"] == "chance"
    assert files(tmp_path) == ["b"]
    assert session.state.usage == hall.crowd.used, "what a judge said that nobody can use is counted, too"


async def test_equals_draw_without_favour() -> None:
    groups = grouped([Candidate(n, answer=Answer(assistant(str(n)))) for n in range(5)])
    drawn = Counter(proposals.fallback(groups, random.Random(seed)).first.number for seed in range(1000))
    assert set(drawn) == set(range(5))
    assert max(drawn.values()) < 300


async def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    hall = Hall([["done"]])
    session = await went(hall, tmp_path, agent=Agent("build"))
    assert (steps(session), len(hall.crowd.asked)) == ([], 1)


async def test_switched_on_and_off_by_command(tmp_path: Path) -> None:
    hall = Hall([["a"], ["b"] * 3, ["c"]])
    async with play(plugins=[commands, maxmode, shell, hall], directory=tmp_path, agent=Agent("build")) as session:
        for text in ("one", "/max 3", "two", "/max show", "/max off", "three", "/max"):
            await session.submit(Say(text))
            await session.settled()
    assert len(steps(session)) == 1
    assert hall.heard == [
        "Max Mode is on: 3 candidates for every step. /max off ends it.",
        "candidate 1 of 3 (majority): 3 of 3 propose the same",
        "chosen by majority: 3 of 3 propose the same\n→ 1  b\n  2  b\n  3  b",
        "Max Mode is off. /max on proposes every step several times and carries out the best.",
        "Max Mode is off. /max on proposes every step several times and carries out the best.",
    ]


class Wants:
    """Claims `experimental` with a value."""

    def __init__(self, **said: Any) -> None:
        self.said = said

    @hookimpl
    def register_settings(self) -> list[Any]:
        from mimocode.ports import Setting

        return [Setting("experimental", dict, {"maxMode": self.said}, "")]


async def test_only_after_a_failure_and_only_within_its_cap(tmp_path: Path) -> None:
    fail = [ToolCall("x", "nothing", {})]
    hall = Hall([[fail], ["again", "again", fail], [fail], ["done"]])
    plugins = [commands, maxmode, shell, hall, Wants(candidates=3, when="on_failure", cost_cap=1.0)]
    async with play(plugins=plugins, directory=tmp_path, agent=MAX) as session:
        await session.submit(Say("go"))
        await session.settled()
        assert [s["chosen"] for s in steps(session)] == [0]
        await session.submit(Say("more"))
        await session.settled()
    assert len(steps(session)) == 1, "two losers at half a dollar each: the cap of one dollar is reached"
    assert talk(session)[-1] == "assistant: done"


async def test_only_where_a_turn_is_planned_and_judged_by_a_model_of_its_own(tmp_path: Path) -> None:
    class Elsewhere(Crowd):
        ref = "acme/judge"

    class Court(Hall):
        judge = Elsewhere([], ['{"choice": 1, "reason": "so"}'])

        @hookimpl
        async def open_model(self, ref: str) -> Any:
            return self.judge if ref == self.judge.ref else None

        @hookimpl(tryfirst=True)
        async def wrap_model(self, model: Any) -> Any:
            return None if model is self.judge else self.crowd

    court = Court([[touch("a"), touch("b")], ["done"]])
    plugins = [commands, maxmode, shell, court, Wants(candidates=2, when="on_plan", model="acme/judge")]
    async with play(plugins=plugins, directory=tmp_path, agent=MAX) as session:
        await session.submit(Say("go"))
        await session.settled()
    assert [step["by"] for step in steps(session)] == ["judge"]
    assert len(court.judge.questions) == 1
    assert len(court.crowd.asked) == 3, "two for the plan, one for the step after it"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_a_majority_is_more_than_half(said: list[int]) -> None:
    groups = grouped([Candidate(n, answer=Answer(assistant(str(word)))) for n, word in enumerate(said)])
    most, number = Counter(map(str, said)).most_common(1)[0]
    found = majority(groups)
    assert (found is not None) == (number * 2 > len(said))
    assert found is None or same(found.first.answer.message) == most  # type: ignore[union-attr]
    assert sorted(c.number for group in groups for c in group.members) == list(range(len(said)))


async def test_a_noisy_model_gets_further_in_a_crowd() -> None:
    """20 steps that must all be right, by a model that is right in 60 % of its answers; bench_maxmode.py has a table."""
    rates = {}
    for candidates in (1, 3, 7):
        runs = [await worked(seed, 0.6, STEPS, candidates) for seed in range(12)]
        rates[candidates] = sum(run.right for run in runs), sum(run.solved for run in runs)
    assert rates[1] < rates[3] < rates[7], "more steps in a row are right, the more candidates there are"
    assert rates[1][1] == 0, "0.6 to the power of 20 is 0.00004"
    assert rates[7][1] >= 3
