"""Events in, items out: the same entries give the same screen, streamed or read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import events as ev
from mimocode.events import Entry, Event
from mimocode.messages import Message, Reasoning, Text, ToolCall, assistant, user
from mimocode_plugins.ui.shown.look import Look
from mimocode_plugins.ui.shown.markdown import Block, Splitter
from mimocode_plugins.ui.shown.prose import lines
from mimocode_plugins.ui.terminal.feed import Child, Feed, Present, Running
from mimocode_plugins.ui.terminal.items import SAID, Called, Ended, Item, Prose, Said, Shell, Thought, Told, print_items
from mimocode_plugins.ui.terminal.live import OPEN, OpenEnd, ending, live_lines

CALL = ToolCall("c1", "bash", {"command": "make"})
DONE = ev.CallFinished("c1", (Text("ok\nfine"),), display={"output": "ok\nfine", "exit": 0})


def entries(*events: Event, session: str = "s") -> list[Entry]:
    """Events one second apart; facts are numbered."""
    return [
        Entry(session, number if isinstance(event, ev.Fact) else 0, float(number), event)
        for number, event in enumerate(events, 1)
    ]


def seen(feed: Feed, *events: Event) -> list[Item]:
    """All items of these events."""
    return [item for entry in entries(*events) for item in feed.see(entry)]


def test_a_turn_with_a_tool() -> None:
    feed = Feed("s")
    items = seen(
        feed, ev.TurnStarted(), ev.MessageAdded(user("go")), ev.ReasoningDelta("hm"), ev.TextDelta("I run "), ev.TextDelta("it."),
        ev.MessageAdded(Message("assistant", (Reasoning("hm"), Text("I run it."), CALL))), ev.CallStarted("c1"),
    )  # fmt: skip
    assert items == [Said("go"), Thought("hm"), Prose(Block("paragraph", "I run it."))]
    assert feed.now == Present(busy=True, since=1.0, calls={"c1": Running(CALL, 7.0)})
    assert seen(feed, ev.ToolProgress("c1", "ok")) == []
    assert feed.now.calls["c1"].tail == "\nok"
    ends = [
        Entry("s", 8, 9.0, DONE),
        Entry("s", 9, 10.0, ev.MessageAdded(assistant("Done."))),
        Entry("s", 10, 11.0, ev.TurnEnded("done")),
    ]
    assert [item for entry in ends for item in feed.see(entry)] == [
        Called(CALL, DONE, 2.0),
        Prose(Block("paragraph", "Done.")),
        Ended("done"),
    ]
    assert feed.now == Present()


def test_what_goes_on_after_the_last_word_is_named_and_it_is_not_the_model() -> None:
    feed = Feed("s")

    def live() -> str:
        return "\n".join(live_lines(feed, Look(80), 20, 9.0))

    seen(feed, ev.TurnStarted(), ev.MessageAdded(user("go")))
    assert "Waiting for the model" in live()
    seen(feed, ev.Notice("cron", "something else"), ev.MessageAdded(assistant("Done.")))
    assert "Finishing" in live()
    seen(feed, ev.Notice("goal", "is it met? `pytest -q` decides"))
    assert "goal: is it met? `pytest -q` decides" in live() and "Waiting for the model" not in live()
    seen(feed, ev.MessageAdded(user("It is not.", origin="before_stop")))
    assert "Waiting for the model" in live()
    seen(feed, ev.MessageAdded(assistant("Now it is.")), ev.TurnEnded("done"))
    assert live() == "" and feed.now == Present()


def test_a_long_paste_is_not_printed_whole() -> None:
    rows = Said("\n".join(map(str, range(1000)))).lines(Look(80))
    assert (rows[:2], rows[45], rows[-1], len(rows)) == (["❯ 0", "  1"], "  … 940 lines …", "  999", SAID + 1)


def test_a_command_of_the_users_that_was_ended_says_by_what() -> None:
    assert Shell("sleep 9", "", -9).lines(Look(80)) == ["! sleep 9", "  ended by signal 9"]
    assert Shell("false", "x\n", 1).lines(Look(80)) == ["! false", "  x", "  exit code 1"]


def test_a_skill_is_shown_as_it_was_asked_for() -> None:
    skill = '<skill name="compose:tdd" folder="/skills/tdd">\nRed.\n\nGreen.{}\n</skill>'
    files = "\n\nFiles (read with the tool skill and `file`): a.md"
    for more, shown in (
        (files, "❯ /compose:tdd"),
        (f"\n\nArguments: for\na duke{files}", "❯ /compose:tdd for|  a duke"),
    ):
        assert Said(skill.format(more)).lines(Look(80)) == shown.split("|")


def test_skills_that_came_along_are_not_shown_as_words_of_the_user() -> None:
    plan = '<skills>\nTake them in order.\n1. a-b: x\n<skill name="a-b" folder="/s">\nRed.\n</skill>\n</skills>'
    assert Said(f"first a-b then c-d\n\n{plan}").lines(Look(80)) == ["❯ first a-b then c-d"]


def test_a_retry_voids_what_was_streamed_and_says_so() -> None:
    feed = Feed("s")
    items = seen(feed, ev.TurnStarted(), ev.TextDelta("Half an ans"), ev.Retrying(2, 5.0, "the server is overloaded"))
    assert items == [
        Prose(Block("paragraph", "Half an ans")),
        Told("the server is overloaded. What it said above is void.", "warning"),
    ]
    assert live_lines(feed, Look(60), 10, 4.0)[-1] == "Trying again in 4 s (attempt 2). Esc gives up."
    assert seen(feed, ev.TextDelta("Whole.\n\n")) == [Prose(Block("paragraph", "Whole."))]
    assert feed.now.retry is None


def test_what_is_queued_joins_or_comes_back() -> None:
    feed = Feed("s")
    feed.queue("first")
    feed.queue("second")
    assert seen(feed, ev.MessageAdded(user("first"))) == [Said("first")]
    assert feed.now.queued == ["second"]
    assert seen(feed, ev.TurnStarted(), ev.TurnEnded("interrupted")) == [Ended("interrupted")]
    assert feed.unqueue() == ["second"]


def test_children_are_counted_not_quoted() -> None:
    feed = Feed("s")
    for entry in entries(
        ev.TurnStarted(), ev.TextDelta("secret"), ev.MessageAdded(assistant("", CALL)), session="child"
    ):
        assert feed.see(entry) == []
    assert feed.now.children == {"child": Child(1.0, "bash")}
    assert live_lines(feed, Look(60), 10, 5.0) == ["◦ 1 subagent: bash · 4 s"]


def test_brief_and_detailed() -> None:
    failed = Called(CALL, ev.CallFinished("c1", (Text("no rule"),), error=True))
    lines, _ = print_items(
        [Said("go"), Called(CALL, DONE, 2.0), failed, Ended("failed", "the key was refused")], Look(60)
    )
    assert lines == ["❯ go", "", "$ make · 2 lines · 2 s", "$ make", "  no rule", "", "✗ the key was refused"]
    lines, _ = print_items([Called(CALL, DONE)], Look(60, details=True))
    assert lines == ["$ make · 2 lines", "  ok", "  fine"]


@given(st.text(st.sampled_from("ab *`#\n-|>1.漢"), max_size=80), st.lists(st.integers(0, 80), max_size=5))
def test_streamed_and_read_back_look_the_same(text: str, cuts: list[int]) -> None:
    places = sorted(min(cut, len(text)) for cut in cuts)
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    end = (ev.MessageAdded(assistant(text)), ev.TurnEnded("done"))
    streamed = print_items(seen(Feed("s"), *map(ev.TextDelta, pieces), *end), Look(40))
    assert streamed == print_items(seen(Feed("s"), *end), Look(40))


def test_what_was_cut_off_is_not_printed_again_when_it_is_kept() -> None:
    feed = Feed("s")
    cut = ev.MessageAdded(assistant("Half an ans\n[This answer was cut off here.]"))
    items = seen(feed, ev.TurnStarted(), ev.TextDelta("Half an ans"), ev.TurnEnded("interrupted"), cut)
    assert items == [Prose(Block("paragraph", "Half an ans")), Ended("interrupted")]
    assert seen(feed, ev.TurnStarted(), ev.MessageAdded(assistant("Half an ans")))[0] == Prose(
        Block("paragraph", "Half an ans")
    )


def test_the_open_end_is_rendered_again_when_it_grew_and_never_shows_what_is_finished() -> None:
    now, slow = [100.0], [0.0]

    def clock() -> float:
        now[0] += slow[0]  # each look at the clock, so much time has passed
        return now[0]

    answer, end, look = Splitter(), OpenEnd(clock), Look(40)

    def frame(answer: Splitter, look: Look = look) -> list[str]:
        end.stale = True
        return end.lines(answer, look)

    answer.feed("one ")
    assert frame(answer) == ["one"]
    answer.feed("two ")
    assert end.lines(answer, look) == ["one"]  # the frame of a key: it does not wait for anything to be rendered
    assert frame(answer) == ["one two"]  # it took no time, so it may again at once
    slow[0] = 0.1
    answer.feed("three ")
    assert frame(answer) == ["one two three"]
    answer.feed("four ")
    assert [frame(answer) for _ in range(4)] == [["one two three"]] * 3 + [["one two three four"]]
    answer.feed("\n\nfive")
    assert end.lines(answer, look) == ["one two three four"]  # it stays until it is printed, with the next frame
    assert frame(answer) == ["", "five"]  # what was finished stands above
    assert end.lines(answer, Look(20)) == ["", "five"]
    assert frame(Splitter()) == []


@pytest.mark.parametrize(
    "text",
    ["word **bold** `code` " * 5000, "- " + "item " * 20_000, "| a | b |\n|---|---|\n" + "| one | two |\n" * 100],
)
def test_however_long_the_open_end_is_only_what_can_be_seen_of_it_is_rendered(text: str) -> None:
    answer, look = Splitter(), Look(80)
    answer.feed(text)
    (block,) = answer.rest()
    short = ending(block, look)
    assert len(short.text) <= min(2 * OPEN * look.width, len(block.text) // 3)
    if block.kind == "table":
        assert lines(short, look)[-OPEN:] == lines(block, look)[-OPEN:]
    else:
        answer.feed(" more")
        (longer,) = answer.rest()
        assert ending(longer, look).text.startswith(short.text.rstrip())  # lines stay where they are


def test_who_takes_over_is_said_once_and_reports_of_subagents_in_short() -> None:
    page = user('<agent name="plan">\nFrom here on you work as the agent "plan".\n\nA page.\n</agent>', origin="prompt")
    assert seen(Feed("s"), ev.AgentChosen("plan"), ev.MessageAdded(page)) == [Told("Agent: plan")]
    report = user('<actor id="explore-1" state="done" summary="found">\nIt is in a.py.\n</actor>', origin="inbox")
    assert seen(Feed("s"), ev.MessageAdded(report)) == [Told("done: found", "info", "explore-1")]
