"""State is a pure fold: any list of facts, replayed, gives the state that was live."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mimocode import Message, Text, ToolCall, Usage
from mimocode.events import (
    CallFinished,
    CallStarted,
    Entry,
    Fact,
    MessageAdded,
    Noted,
    Rewound,
    SessionStarted,
    TurnEnded,
    TurnStarted,
    WindowOpened,
    decode,
    encode,
)
from mimocode.messages import assistant, user
from mimocode.state import Grown, State, replay, step


def entries(*facts: Fact) -> list[Entry]:
    return [Entry("s", number, 0.0, fact) for number, fact in enumerate(facts, 1)]


ids = st.sampled_from(["1", "2", "3"])
facts = st.one_of(
    st.just(TurnStarted()),
    st.just(TurnEnded("done")),
    st.builds(
        WindowOpened,
        system=st.just(()),
        tools=st.just(()),
        messages=st.lists(st.builds(user, st.text()), max_size=2).map(tuple),
    ),
    st.builds(lambda text: MessageAdded(user(text)), st.text()),
    st.builds(
        lambda text, calls, spent: MessageAdded(
            assistant(text, *(ToolCall(i, "t") for i in calls)), Usage(spent, 1), "stop"
        ),
        st.text(),
        st.lists(ids, unique=True),
        st.integers(0, 99),
    ),
    st.builds(CallStarted, ids),
    st.builds(lambda i, text: CallFinished(i, (Text(text),)), ids, st.text()),
    st.builds(Rewound, st.integers(0, 30)),
    st.builds(Noted, st.sampled_from(["a", "b"]), st.dictionaries(st.text(), st.integers(), max_size=2)),
)


@given(st.lists(facts, max_size=40))
def test_replay_of_a_written_and_read_log_is_the_live_state(happened: list[Any]) -> None:
    live = State()
    for seq, fact in enumerate(happened, 1):
        live = step(live, fact, seq)
    assert replay(entries(*(decode(encode(fact)) for fact in happened))) == live


@given(st.lists(facts, max_size=40), st.integers(0, 40))
def test_an_older_state_is_untouched_by_what_comes_later(happened: list[Any], at: int) -> None:
    states = [State()]
    for seq, fact in enumerate(happened, 1):
        states.append(step(states[-1], fact, seq))
    assert replay(entries(*happened[:at])) == states[min(at, len(happened))]


@given(st.lists(st.lists(st.integers())))
def test_a_grown_sequence_is_a_list_that_old_holders_can_trust(batches: list[list[int]]) -> None:
    grown, plain, history = Grown[int](), list[int](), []
    for batch in batches:
        history.append((grown, list(plain)))
        grown, plain = grown.plus(*batch), plain + batch
        branch = history[-1][0].plus(-1)  # somebody else grows the older one
        assert list(branch) == [*history[-1][1], -1]
    assert list(grown) == plain
    assert [list(g) for g, _ in history] == [p for _, p in history]
    assert grown[1:] == plain[1:]


def test_results_join_in_the_order_of_the_calls_when_all_are_there() -> None:
    calls = (ToolCall("1", "a"), ToolCall("2", "b"))
    begun = replay(entries(MessageAdded(assistant("", *calls)), CallFinished("2", (Text("second"),))))
    assert (begun.open, begun.unanswered, len(begun.messages)) == (calls, calls[:1], 1)
    whole = step(begun, CallFinished("1", (Text("first"),), error=True), 3)
    assert list(whole.messages)[1:] == [
        Message("tool", (Text("first"),), "1", error=True),
        Message("tool", (Text("second"),), "2"),
    ]
    assert whole.unanswered == ()


def test_rewinding_goes_back_to_before_the_turn_and_can_be_repeated() -> None:
    def turn(text: str) -> list[Fact]:
        return [TurnStarted(), MessageAdded(user(text)), TurnEnded("done")]

    log = [SessionStarted("/", "a"), *turn("one"), *turn("two"), Rewound(4), *turn("three")]
    assert [m.text for m in replay(entries(*log)).messages] == ["one", "three"]
    assert [m.text for m in replay(entries(*log, Rewound(1))).messages] == []
