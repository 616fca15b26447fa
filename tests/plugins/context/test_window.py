"""A conversation that outgrows its window goes on in a new one, and nothing that counts is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import Say, ToolCall, hookimpl
from mimocode.events import Noted
from mimocode.messages import Message, Text, assistant, user
from mimocode.session import Session
from mimocode.testing import Line, play
from mimocode_plugins.context import window
from mimocode_plugins.context.window.measure import NAME, Gauge, amount, estimate, of_message
from mimocode_plugins.context.window.tail import HEARD, OWN, clip, cut
from mimocode_plugins.crew import commands
from mimocode_plugins.memory import checkpoint
from mimocode_plugins.store import workspace
from mimocode_plugins.ui.terminal.status import share
from support.windows import Small, steps


@asynccontextmanager
async def conversation(
    plan: Small, *lines: Line, directory: Path, plugins: Sequence[Any] = (checkpoint,), **more: Any
) -> AsyncIterator[Session]:
    async with play(*lines, plugins=[plan, window, commands, *plugins], directory=directory, **more) as session:
        try:
            yield session
        finally:
            assert session.host.options["complaints"] == []


async def said(session: Session, text: str) -> None:
    await session.submit(Say(text))
    await session.settled()


def outcomes(session: Session) -> list[str]:
    return [note["outcome"] for note in session.state.notes.get(NAME, ()) if "outcome" in note]


def valid(messages: Sequence[Message]) -> bool:
    """Every call has its answers right behind it, and no answer stands alone."""
    waiting: list[str] = []
    for message in messages:
        if message.role == "tool":
            if message.call_id not in waiting:
                return False
            waiting.remove(message.call_id)
        elif waiting:
            return False
        waiting += [call.id for call in message.calls]
    return not waiting and messages[0].role == "user" and messages[-1].role != "assistant"


async def test_forty_steps_cross_windows_and_every_request_is_valid(tmp_path: Path) -> None:
    plan = Small()
    async with conversation(plan, *steps(40), "finished", directory=tmp_path) as session:
        await said(session, "Never touch ORD-4711. Do the forty steps.")
        assert session.last_words() == "finished"
        assert len(plan.requests) == 41
        assert all(valid(prompt.messages) for prompt in plan.requests)
        notes = [note for note in session.state.notes[NAME] if "outcome" in note]
        assert {note["outcome"] for note in notes} == {"rebuilt"} and len(notes) >= 4
        assert all(note["after"] <= min(65_000, 0.44 * plan.size) for note in notes)
        assert all(note["after"] < note["before"] for note in notes)
        assert any(m.text == "Never touch ORD-4711. Do the forty steps." for m in session.state.messages)


async def test_between_windows_a_request_begins_with_the_one_before(tmp_path: Path) -> None:
    plan = Small()
    async with conversation(plan, *steps(30), "finished", directory=tmp_path) as session:
        await said(session, "go")
        opened = 0
        for before, after in zip(plan.requests, plan.requests[1:], strict=False):
            kept = after.messages[: len(before.messages)] == before.messages and after.system is before.system
            opened += not kept
        assert opened == len(outcomes(session)) > 1


async def test_an_opening_is_never_quoted_in_a_later_one(tmp_path: Path) -> None:
    plan = Small()
    async with conversation(plan, *steps(40), "finished", directory=tmp_path) as session:
        await said(session, "go")
        opening = session.state.window.messages  # type: ignore[union-attr]
        assert sum(message.text.count("This conversation continues") for message in opening) == 1
        assert all(message.origin for message in opening if message.role == "user")


async def test_a_provider_that_says_too_long_leads_to_one_new_window(tmp_path: Path) -> None:
    plan = Small(size=200_000)
    plan.refuse = [8]
    async with conversation(plan, *steps(12), "finished", directory=tmp_path) as session:
        await said(session, "go")
        assert (session.last_words(), outcomes(session)) == ("finished", ["rebuilt"])
        assert len(plan.requests) == 14


async def test_when_the_fixed_part_alone_is_too_large_the_turn_fails_with_a_sentence(tmp_path: Path) -> None:
    plan = Small(size=4_000, fixed="word " * 5_000)
    async with conversation(plan, "never said", directory=tmp_path) as session:
        await said(session, "go")
        assert session.state.messages[-1].text == "go"
        assert "rebuilt" not in outcomes(session)


async def test_a_window_that_cannot_be_made_smaller_is_not_tried_at_every_step(tmp_path: Path) -> None:
    plan = Small(size=32_000, fixed="word " * 18_000)
    lines: list[Line] = [[ToolCall(f"c{n}", "nothing", {"n": n})] for n in range(12)]
    async with conversation(plan, *lines, "finished", directory=tmp_path) as session:
        await said(session, "go " * 2_000)
        assert outcomes(session).count("insert-failed") in (1, 2)


async def test_without_checkpoints_the_model_is_asked_for_a_summary_on_the_same_prefix(tmp_path: Path) -> None:
    plan = Small()
    lines = [*steps(11), "## Goal\nall forty", *steps(3), "finished"]
    async with conversation(plan, *lines, directory=tmp_path, plugins=()) as session:
        await said(session, "go")
        assert (session.last_words(), outcomes(session)) == ("finished", ["compacted"])
        pairs = zip(plan.requests, plan.requests[1:], strict=False)
        before, asked = next((a, b) for a, b in pairs if "Call no tools" in b.messages[-1].text)
        assert asked.messages[: len(before.messages)] == before.messages and asked.system is before.system
        assert "all forty" in session.state.messages[0].text


async def test_a_window_that_refills_at_once_is_cut_to_the_least(tmp_path: Path) -> None:
    plan = Small()
    many = [[ToolCall(f"c{n}-{k}", "bash", {"command": f"{n} {k}"}) for k in range(9)] for n in range(7)]
    async with conversation(plan, *many, "finished", directory=tmp_path) as session:
        await said(session, "go")
        assert session.last_words() == "finished"
        assert "trimmed" in outcomes(session)
        assert all(valid(prompt.messages) for prompt in plan.requests)


async def test_rebuild_by_hand_after_an_answer_waits_for_the_user(tmp_path: Path) -> None:
    plan = Small()
    async with conversation(plan, *steps(4), "finished", "and now this", directory=tmp_path) as session:
        await said(session, "Do four steps.")
        await said(session, "/rebuild")
        assert outcomes(session) == ["rebuilt"]
        assert "Nothing is to be done until the user speaks" in " ".join(m.text for m in session.state.messages)
        await said(session, "Next.")
        assert session.last_words() == "and now this" and valid(plan.requests[-1].messages)


async def test_context_limit_only_lowers(tmp_path: Path) -> None:
    plan = Small(size=200_000)
    async with conversation(plan, *steps(20), "finished", directory=tmp_path) as session:
        await said(session, "/context-limit 30K")
        assert share(session) == "0% of 30k"
        await said(session, "go")
        assert "rebuilt" in outcomes(session) and share(session).endswith("% of 30k")
        await said(session, "/context-limit off")
        assert share(session).endswith("% of 200k")


async def test_context_says_what_fills_the_window(tmp_path: Path) -> None:
    plan, told = Small(), Notices()
    async with conversation(plan, *steps(1), "finished", directory=tmp_path, plugins=(checkpoint, told)) as session:
        await said(session, "go")
        await said(session, "/context")
        first, *rows = told.said[-1].splitlines()
        assert first.endswith("tokens (15%); window 32,000 of script/lines") or "of 23,680 usable tokens" in first
        assert {row[11:] for row in rows} >= {"prompt: base", "messages: tool", "tools", "messages: user"}


class Notices:
    """Keeps what the user was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @hookimpl
    async def on_event(self, event: Any) -> None:
        if type(event).__name__ == "Notice":
            self.said.append(event.text)


@pytest.mark.parametrize(
    ("said", "tokens"),
    [("300K", 300_000), ("1.5M", 1_500_000), ("50%", 100_000), (7, 7), ("x", 0), (None, 0), (True, 0), ("", 0)],
)
def test_amounts(said: Any, tokens: int) -> None:
    assert amount(said, 200_000) == tokens


def test_scripts_cost_what_they_cost() -> None:
    assert (estimate("word" * 100), estimate("漢字" * 50), estimate("русский " * 10)) == (100, 67, 31)


def test_the_provider_corrects_the_count() -> None:
    gauge = Gauge()
    gauge._asked = 1000
    gauge.learn(1500)
    assert gauge.ratio == 1.5


call_sizes = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4000)), min_size=1, max_size=12)


@given(call_sizes, st.integers(200, 6000))
def test_calls_and_answers_are_never_parted_and_the_newest_step_is_there(sizes: list[Any], room: int) -> None:
    messages = [user("the beginning")]
    for n, (calls, size) in enumerate(sizes):
        ids = [f"c{n}-{k}" for k in range(calls)]
        messages.append(assistant("", *(ToolCall(id, "bash") for id in ids)))
        messages += [Message("tool", (Text("x" * size),), id) for id in ids]
    tail = cut(messages, room, 1000, 200)
    assert valid([user("opening", origin=OWN), *tail.heard, *tail.messages])
    assert tail.messages[-1].call_id == messages[-1].call_id
    assert [m.text for m in tail.heard] in ([], ["the beginning"])
    assert tail.heard or tail.messages[0].text == "the beginning"


@given(st.text(max_size=4000), st.integers(20, 500))
def test_what_is_cut_says_so(text: str, room: int) -> None:
    short = clip(text, room, "look there")
    assert short == text or ("characters left out; look there" in short and len(short) < len(text) + 80)


def test_the_first_and_the_newest_words_of_the_user_are_kept() -> None:
    messages = [user(f"message {n} " + "word " * 100) for n in range(40)]
    tail = cut([*messages, assistant("", ToolCall("1", "x")), Message("tool", (Text("y"),), "1")], 40, 1000, 2000)
    numbers = [int(message.text.split()[1]) for message in tail.heard]
    assert numbers[0] == 0 and numbers[1:] == list(range(40 - len(numbers) + 1, 40))
    assert tail.unheard == 40 - len(numbers) and {message.origin for message in tail.heard} == {HEARD}


async def test_what_became_of_a_window_is_a_fact(tmp_path: Path) -> None:
    async with conversation(Small(), *steps(12), "finished", directory=tmp_path) as session:
        await said(session, "go")
        facts = [e.event for e in (await session.host.store()).read(session.id) if isinstance(e.event, Noted)]
        told = next(fact.data for fact in facts if fact.plugin == NAME)
        assert told["outcome"] == "rebuilt" and told["reason"].endswith("tokens were used") and told["left_out"] == []


def test_a_tail_reaches_back_as_far_as_the_user_wants() -> None:
    said = [each for n in range(4) for each in (user(f"question {n}"), assistant(f"answer {n}"))]
    tails = {turns: [m.text for m in cut(said, 10_000, 1000, 100, turns).messages] for turns in (None, 2, 1, 0)}
    texts = [m.text for m in said]
    assert tails == {None: texts, 2: texts[-4:], 1: texts[-2:], 0: texts[-1:]}
    assert [m.text for m in cut(said, 10_000, 1000, 100, 1).heard] == ["question 0", "question 1", "question 2"]


@pytest.mark.parametrize(("wanted", "most"), [({}, None), ({"preserve_recent_tokens": 2500}, 2500)])
async def test_as_much_as_the_user_wants_goes_over_as_it_is(
    wanted: Any, most: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIMOCODE_HOME", str(tmp_path / "mimocode"))
    plan = Small()
    options = {"settings": {"compaction": wanted, "checkpoint": {"push_caps": {"recent_user": 0}}}}
    more = (checkpoint, workspace)
    async with conversation(plan, *steps(12), "finished", directory=tmp_path, plugins=more, **options) as session:
        await said(session, "Never touch ORD-4711.")
        opening = session.state.window.messages  # type: ignore[union-attr]
        size = sum(of_message(m) for m in opening if m.origin not in (OWN, HEARD))
        assert not any(m.origin == HEARD for m in opening)
        assert 0 < size <= (most or 10_000) and (most is not None or size > 3000)
