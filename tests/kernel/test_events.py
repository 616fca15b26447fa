"""The vocabulary: every fact survives being written, and what is not known is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import Text, ToolCall, Usage
from mimocode.events import AnyFact, ApprovalAsked, CallFinished, Fact, MessageAdded, Noted, decode, encode
from mimocode.messages import Media, Message, Reasoning, assistant, user

text = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
)
objects = st.dictionaries(text, plain, max_size=3)
blocks = st.one_of(
    st.builds(Text, text),
    st.builds(Reasoning, text, objects),
    st.builds(Media, text, text, text),
    st.builds(ToolCall, text, text, objects, text),
)
messages = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "tool"]),
    st.lists(blocks, max_size=4).map(tuple),
    text,
    st.booleans(),
    text,
)
facts = st.one_of(
    st.builds(MessageAdded, messages, st.none() | st.builds(Usage, st.integers(0, 9), st.integers(0, 9)), text, text),
    st.builds(CallFinished, text, st.lists(blocks, max_size=2).map(tuple), st.booleans(), st.none() | objects),
    st.builds(
        ApprovalAsked,
        st.builds(ToolCall, text, text, objects),
        text,
        st.lists(text, max_size=2).map(tuple),
        st.booleans(),
    ),
    st.builds(Noted, text, objects),
)


@given(facts)
def test_a_fact_survives_being_written(fact: Fact) -> None:
    assert decode(encode(fact)) == fact


def test_every_fact_has_a_tag_of_its_own() -> None:
    tags = [kind.__struct_config__.tag for kind in AnyFact.__args__]
    assert len(set(tags)) == len(tags) and all(
        (isinstance(tag, str) and "." in tag) or tag in ("noted", "rewound") for tag in tags
    )


def test_a_fact_of_a_later_version_is_refused_and_a_later_field_is_not() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode('{"type":"dreamt.of","what":"sheep"}')
    assert decode('{"type":"turn.started","colour":"blue"}') == decode('{"type":"turn.started"}')


def test_a_message_knows_its_text_and_its_calls() -> None:
    call = ToolCall("1", "read")
    said = assistant("I look.", call)
    assert (said.text, said.calls, user("hi", origin="goal").origin) == ("I look.", (call,), "goal")
    assert Usage(1, 2, cost=0.5) + Usage(10, 20, cost=0.25) == Usage(11, 22, cost=0.75)
