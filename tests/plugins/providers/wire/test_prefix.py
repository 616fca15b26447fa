"""Request bodies that only grow."""

import json
from collections.abc import Iterator, Sequence

from hypothesis import given
from hypothesis import strategies as st

from mimocode.messages import Message, Part, ToolCall, assistant, user
from mimocode.ports import Prompt
from mimocode_plugins.providers.wire.prefix import KEPT, Prefix


class Wire:
    """A tiny wire that counts what it encodes."""

    def __init__(self) -> None:
        self.heads = self.encoded = 0
        self.prefix = Prefix(self.head, self.encode)

    def head(self, prompt: Prompt) -> bytes:
        self.heads += 1
        system = json.dumps([part.text for part in prompt.system])
        return f'{{"system":{system},"options":{json.dumps(dict(prompt.options))},"messages":['.encode()

    def encode(self, messages: Sequence[Message]) -> Iterator[bytes]:
        for message in messages:
            self.encoded += 1
            yield json.dumps({"text": message.text}).encode()

    def texts(self, prompt: Prompt) -> list[str]:
        return [message["text"] for message in json.loads(self.prefix.request(prompt)[0])["messages"]]


SYSTEM = (Part("be good"),)


def test_the_next_request_begins_with_this_one():
    wire, messages = Wire(), [user("a")]
    first, _ = wire.prefix.request(Prompt(SYSTEM, messages))
    messages += [assistant("b"), user("c")]
    second, _ = wire.prefix.request(Prompt(SYSTEM, messages))
    assert second.startswith(first.removesuffix(b"]}"))
    assert (wire.heads, wire.encoded) == (1, 3)


def test_an_empty_conversation_is_valid():
    assert Wire().texts(Prompt(SYSTEM, [])) == []


def test_another_window_is_encoded_anew():
    wire = Wire()
    assert wire.texts(Prompt(SYSTEM, [user("a"), user("b")])) == ["a", "b"]
    assert wire.texts(Prompt(SYSTEM, [user("a"), user("x"), user("y")])) == ["a", "x", "y"]
    assert wire.texts(Prompt(SYSTEM, [user("a")])) == ["a"]


def test_other_options_or_tools_change_the_head_alone():
    wire, messages = Wire(), [user("a"), user("b")]
    wire.prefix.request(Prompt(SYSTEM, messages))
    body, _ = wire.prefix.request(Prompt(SYSTEM, messages, options={"temperature": 1}))
    assert json.loads(body) == {
        "system": ["be good"],
        "options": {"temperature": 1},
        "messages": [{"text": "a"}, {"text": "b"}],
    }
    assert (wire.heads, wire.encoded) == (2, 2)


def test_sessions_that_take_turns_keep_their_own_bytes():
    wire = Wire()
    talks = {name: [user(name)] for name in "xyz"}
    for _ in range(3):
        for name, messages in talks.items():
            assert wire.texts(Prompt(SYSTEM, messages, session=name)) == [m.text for m in messages]
            messages.append(user("more"))
    assert wire.encoded == 9


def test_what_is_kept_is_bounded():
    wire = Wire()
    for number in range(KEPT * 3):
        wire.prefix.request(Prompt(SYSTEM, [user("a")], session=str(number)))
    assert len(wire.prefix._threads) == KEPT


def test_ids_of_calls_are_collected():
    messages = [user("a"), assistant("", ToolCall("one", "read")), assistant("", ToolCall("two", "read"))]
    assert Wire().prefix.request(Prompt(SYSTEM, messages))[1] == {"one", "two"}


def test_the_last_piece_may_be_marked_for_one_request():
    wire, messages = Wire(), [user("a"), user("b")]
    mark = lambda piece: piece.replace(b"}", b',"mark":1}')  # noqa: E731
    body, _ = wire.prefix.request(Prompt(SYSTEM, messages), last=mark)
    assert json.loads(body)["messages"] == [{"text": "a"}, {"text": "b", "mark": 1}]
    messages.append(user("c"))
    body, _ = wire.prefix.request(Prompt(SYSTEM, messages), last=mark)
    assert json.loads(body)["messages"] == [{"text": "a"}, {"text": "b"}, {"text": "c", "mark": 1}]


steps = st.lists(st.tuples(st.sampled_from(["grow", "cut", "fresh"]), st.integers(1, 4)), max_size=12)


@given(steps)
def test_whatever_happens_to_the_window_the_body_is_right(moves):
    wire, messages = Wire(), [user("0")]
    for number, (move, size) in enumerate(moves):
        if move == "cut":
            messages = messages[:-size]
        elif move == "fresh":
            messages = []
        messages = [*messages, *(user(f"{number}.{n}") for n in range(size))]
        assert wire.texts(Prompt(SYSTEM, messages)) == [message.text for message in messages]
