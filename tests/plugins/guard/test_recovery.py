"""Bad answers are mended a few times, then the user is told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.events import Notice, Pulse, ReasoningDelta, Say, TextDelta
from mimocode.hookspecs import hookimpl
from mimocode.messages import Message, Reasoning, Text, ToolCall, assistant
from mimocode.ports import Answer, Prompt
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.guard import recovery
from mimocode_plugins.guard.recovery.again import Monitor, number
from mimocode_plugins.guard.recovery.classify import (
    CUT,
    EMPTY,
    LENGTH,
    REMEDIES,
    REPEATED,
    TEXT_CALL,
    THINKING,
    diagnose,
)
from mimocode_plugins.guard.recovery.remedy import said

THOUGHT = Message("assistant", (Reasoning("hmm"),))


@pytest.mark.parametrize(
    ("answer", "finish", "expected"),
    [
        (assistant("All done."), "stop", None),
        (assistant("All d"), "length", LENGTH),
        (assistant("", ToolCall("1", "x")), "length", None),
        (assistant(""), "stop", EMPTY),
        (assistant(" \n"), "stop", EMPTY),
        (assistant(""), "filtered", None),
        (THOUGHT, "stop", THINKING),
        (Message("assistant", (Reasoning("hmm"), Text("ok"))), "stop", None),
        (assistant('<invoke name="read">'), "calls", TEXT_CALL),
        (assistant("Now:\n<function_calls>\n<invoke>"), "stop", TEXT_CALL),
        (assistant('<tool_call>{"name": "read"}</tool_call>'), "stop", TEXT_CALL),
        (assistant("<function=read><parameter=x>"), "stop", TEXT_CALL),
        (assistant("Write `<tool_call>` like this:\n```xml\n<tool_call>\n```"), "stop", None),
        (assistant("The invoke command calls a tool."), "stop", None),
        (assistant("again and" + CUT), "stop", REPEATED),
        (Message("user", (Text("hi"),)), "stop", None),
    ],
)
def test_diagnosis(answer: Message, finish: str, expected: Any) -> None:
    assert diagnose(answer, finish) is expected


def test_every_remedy_has_its_words_and_they_differ() -> None:
    texts = [said(name) for remedy in REMEDIES for name in remedy.texts]
    assert all(texts)
    assert len(set(texts)) == len(texts)


class Cuts:
    """A plugin with a model whose every answer is cut by length, `times` times."""

    ref, window = "cut/short", 1000

    def __init__(self, times: int, *deltas: Pulse) -> None:
        self.times, self.deltas, self.closed = times, deltas, False

    async def stream(self, prompt: Prompt) -> AsyncIterator[Pulse | Answer]:
        self.times -= 1
        try:
            if self.deltas and self.times >= 0:
                for delta in self.deltas:
                    yield delta
            finish = "length" if self.times >= 0 and not self.deltas else "stop"
            yield Answer(assistant("part"), finish=finish)  # type: ignore[arg-type]
        finally:
            self.closed = True

    @hookimpl(tryfirst=True)
    async def open_model(self) -> Any:
        return self


class Ears:
    """A plugin that keeps what the user is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    async def on_event(self, event: Any) -> None:
        if isinstance(event, Notice):
            self.heard.append(event.text)


async def test_a_cut_answer_goes_on_where_it_stopped() -> None:
    async with play(plugins=[recovery, Cuts(2)]) as session:
        await session.submit(Say("tell"))
        await session.settled()
        again = f"user: {said('length')}"
        assert talk(session) == ["user: tell", "assistant: part", again, "assistant: part", again, "assistant: part"]


async def test_after_three_times_the_user_is_told_and_a_new_question_starts_afresh() -> None:
    ears = Ears()
    async with play(plugins=[recovery, Cuts(9), ears]) as session:
        await session.submit(Say("tell"))
        await session.settled()
        assert (len(talk(session)), ears.heard) == (8, ["The answer is still cut off by the length limit."])
        await session.submit(Say("go on"))
        await session.settled()
        assert len(talk(session)) == 16


async def test_the_count_survives_a_restart() -> None:
    store = MemoryStore()
    async with play("", "", "", store=store, plugins=[recovery]) as session:
        await session.submit(Say("tell"))
        await session.settled()
        assert [line for line in talk(session) if line.startswith("user")] == ["user: tell"] + [
            f"user: {said('empty')}"
        ] * 2
        kept = session.id
    async with play(store=store, session_id=kept, plugins=[recovery]) as session:
        assert await recovery.before_stop(session) is None


async def test_the_user_sets_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMOCODE_INVALID_OUTPUT_CONTINUATION_LIMIT", "0")
    async with play("", plugins=[recovery]) as session:
        await session.submit(Say("tell"))
        await session.settled()
        assert talk(session) == ["user: tell", "assistant: "]
    assert [number({"X": value}, "X", 7) for value in ("3", "-3", "", "many")] == [3, 7, 7, 7]


LOOP = "I will now read the file again. "


def feed(text: str, size: int = 7, **limits: int) -> int:
    """After how many characters the monitor cuts, 0 for never."""
    monitor = Monitor(**limits)
    for at in range(0, len(text), size):
        if monitor.feed(text[at : at + size]):
            return at + size
    return 0


def test_a_loop_is_cut_in_its_twentieth_round() -> None:
    cut = feed("Let me see what is there. " + LOOP * 40)
    assert 19 * len(LOOP) < cut <= 22 * len(LOOP)
    assert feed(LOOP * 15) == 0


def test_languages_without_spaces_are_heard_too() -> None:
    assert 0 < feed("我现在再读一次这个文件。" * 40) < 12 * 25


def test_what_repeats_for_a_reason_is_left_alone() -> None:
    table = "".join(f"| {n} | value {n * 7} | done |\n" for n in range(300))
    code = "".join(f"    assert check({n}) == {n * n}\n" for n in range(300))
    assert [feed(text) for text in (table, code, "-" * 400, "| --- " * 60, "0, " * 100)] == [0] * 5


def test_one_word_for_ever_is_cut_when_it_fills_the_window() -> None:
    assert feed("no " * 5000) < 3 * 520


@given(st.lists(st.integers(0, 10_000), max_size=300, unique=True), st.integers(1, 30))
def test_text_without_repetition_is_never_cut_however_it_is_split(numbers: list[int], size: int) -> None:
    assert feed(" ".join(map(str, numbers)), size, n=2, threshold=2, window=100) == 0


@given(st.integers(1, 60))
def test_the_split_into_deltas_does_not_matter_much(size: int) -> None:
    assert abs(feed(LOOP * 40, size) - feed(LOOP * 40, 1)) <= 60 + size


def test_a_word_costs_the_same_in_a_long_answer() -> None:
    monitor = Monitor()
    spent = []
    for part in range(6):
        words = [f"w{part}_{n} " for n in range(20_000)]
        began = time.perf_counter()
        for word in words:
            monitor.feed(word)
        spent.append(time.perf_counter() - began)
    assert min(spent[-2:]) < 5 * min(spent[:2])
    assert len(monitor._last) <= 501


@pytest.mark.parametrize("kind", [TextDelta, ReasoningDelta])
async def test_a_degenerate_stream_ends_and_the_agent_gets_two_more_chances(kind: Any) -> None:
    ears = Ears()
    model = Cuts(9, *[kind(LOOP)] * 100)
    async with play(plugins=[recovery, model, ears]) as session:
        await session.submit(Say("tell"))
        await session.settled()
        users = [m.text for m in session.state.messages if m.role == "user"]
        assert users == ["tell", said("repeated"), said("repeated_again")]
        assert all(m.text.endswith(CUT) for m in session.state.messages if m.role == "assistant")
        assert max(len(m.text) for m in session.state.messages) < 2100
        assert ears.heard == ["The model keeps repeating itself."]
        assert model.closed
        assert model.times == 6
