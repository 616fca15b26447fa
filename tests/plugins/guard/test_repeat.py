"""Going in circles is noticed whatever is said in between, and progress is no circle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.events import Say
from mimocode.messages import Message, Text, ToolCall, assistant, user
from mimocode.ports import Agent
from mimocode.state import Grown, State
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission, repeat
from mimocode_plugins.guard.repeat.detect import Step, circle, outcome, signature, steps

from .conftest import Answers, Hands


def run(text: str) -> list[Step]:
    """A corpus line: "a1 b2" is call a with result 1, then call b with result 2; "a!" was refused."""
    return [Step(word[0], None if word[1] == "!" else int(word[1:])) for word in text.split()]


@pytest.mark.parametrize(
    ("before", "now", "period"),
    [
        ("", "a", 0),
        ("a1", "a", 0),
        ("a1 a1", "a", 1),
        ("a1 a2", "a", 0),
        ("a1 b1 a1", "a", 0),
        ("b1 a1 a1", "a", 1),
        ("a1 a1 a!", "a", 1),
        ("a1 a! a2", "a", 0),
        ("a! a!", "a", 1),
        ("a1 b1 a1 b1 a1", "b", 2),
        ("a1 b1 a1 b1 a2", "b", 0),
        ("a1 b1 a1 b2 a1", "b", 0),
        ("a1 b1 a1 b1 a1", "c", 0),
        ("a1 b1 c1 a1 b1 c1 a1 b1", "c", 3),
        ("a1 b1 c1 d1 a1 b1 c1 d1 a1 b1 c1", "d", 4),
        ("x1 a1 b1 a1 b1 a1", "b", 2),
        ("a1 b1 a1 b1", "a", 0),
    ],
)
def test_circles(before: str, now: str, period: int) -> None:
    assert circle(run(before), now) == period


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1)), max_size=14), st.sampled_from("abc"))
def test_a_circle_is_a_repetition_of_the_last_calls(before: list[tuple[str, int]], now: str) -> None:
    line = [Step(name, result) for name, result in before]
    if period := circle(line, now):
        names = [step.signature for step in line if step.outcome is not None] + [now]
        size = 3 * period
        assert names[-size:] == names[-period:] * 3


def test_the_same_call_is_the_same_however_it_is_written() -> None:
    calls = [
        {"file_path": "a", "limit": 5},
        {"limit": 5, "filePath": " a "},
        {"file_path": "a", "limit": 5, "description": "look again"},
    ]
    assert len({signature(ToolCall(str(i), "read", c)) for i, c in enumerate(calls)}) == 1
    assert signature(ToolCall("1", "read", {"file_path": "b"})) != signature(ToolCall("1", "read", {"file_path": "a"}))


def test_times_and_addresses_are_no_progress_but_numbers_are() -> None:
    def result(text: str) -> int | None:
        return outcome(Message("tool", (Text(text),)))

    assert result("3 passed in 0.12s") == result("3 passed in 0.31s")
    assert result("at 0x7f01, 12:00:01") == result("at 0x8f02, 12:05:09")
    assert result("50 %") != result("60 %")
    assert outcome(Message("tool", (Text("Denied: no"),), error=True)) is None


def answered(id: str, arguments: dict[str, Any], result: str, words: str = "") -> list[Message]:
    call = ToolCall(id, "look", arguments)
    return [assistant(words, call), Message("tool", (Text(result),), id)]


def test_words_and_reminders_in_between_do_not_matter_but_the_user_does() -> None:
    history = [
        *answered("1", {"p": "a"}, "x", "Let me look."),
        user("go on", origin="before_stop"),
        *answered("2", {"p": "a"}, "x", "I will now look."),
    ]
    now = ToolCall("3", "look", {"p": "a"})
    assert circle(steps(State(messages=Grown([user("do"), *history])), now), signature(now)) == 1
    assert steps(State(messages=Grown([*history, user("try again")])), now) == []


def test_the_walk_is_bounded() -> None:
    history = [m for n in range(500) for m in answered(str(n), {"p": n}, "x")]
    now = ToolCall("x", "look", {"p": "a"})
    found = steps(State(messages=Grown(history)), now)
    assert [step.signature for step in found] == [signature(ToolCall("", "look", {"p": n})) for n in range(488, 500)]


def looping(times: int) -> list[list[ToolCall]]:
    return [[ToolCall(str(n), "shell", {"command": "make", "description": str(n)})] for n in range(times)]


async def test_a_loop_is_asked_refused_and_the_session_goes_on(project: Path) -> None:
    hands, user = Hands(), Answers()
    lines = (*looping(4), "I give up.", "Yes?")
    plugins = [permission, repeat, hands, user]
    async with play(*lines, plugins=plugins, directory=project, allow=None) as session:
        await session.submit(Say("build"))
        await session.settled()
        assert [asked.offer for asked in user.asked] == [("doom_loop: shell",)] * 2
        assert hands.ran == ["make", "make"]
        said = talk(session)
        assert said[6].startswith("tool: Denied: The last calls of shell went in a circle and brought the same")
        assert said[-1] == "assistant: I give up."
        await session.submit(Say("try once more"))
        await session.settled()
        assert talk(session)[-1] == "assistant: Yes?"


async def test_where_nobody_is_asked_a_loop_is_refused(project: Path) -> None:
    hands = Hands()
    plugins = [permission, repeat, hands]
    async with play(*looping(5), "ok", plugins=plugins, directory=project, yolo=True) as session:
        await session.submit(Say("build"))
        await session.settled()
    assert hands.ran == ["make", "make"]


async def test_a_rule_can_let_loops_be_and_a_poll_that_changes_is_none(project: Path) -> None:
    hands = Hands()
    calm = Agent("build", options={"permission": {"doom_loop": "allow"}})
    plugins = [permission, repeat, hands]
    async with play(*looping(5), "ok", plugins=plugins, directory=project, agent=calm, yolo=True) as session:
        await session.submit(Say("build"))
        await session.settled()
    assert len(hands.ran) == 5

    class Poll(Hands):
        @property
        def says(self) -> str:
            return f"{len(self.ran)} of 5"

        @says.setter
        def says(self, value: str) -> None: ...

    poll = Poll()
    async with play(*looping(5), "ok", plugins=[permission, repeat, poll], directory=project, yolo=True) as session:
        await session.submit(Say("wait for it"))
        await session.settled()
    assert len(poll.ran) == 5
