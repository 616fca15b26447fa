"""Tool calls from their pieces."""

import json

from hypothesis import given
from hypothesis import strategies as st

from mimocode.messages import ToolCall
from mimocode_plugins.providers.wire.calls import Assembler, parsed, written


def assembled(*pieces: tuple) -> list[tuple]:
    assembler = Assembler()
    for piece in pieces:
        assembler.add(*piece)
    return [(call.name, dict(call.arguments) or call.malformed) for call in assembler.finished()]


def test_pieces_with_numbers():
    assert assembled(
        (0, "a", "read", ""), (0, "", "", '{"p":'), (1, "b", "write", '{"q"'), (0, "", "", "1}"), (1, "", "", ":2}")
    ) == [("read", {"p": 1}), ("write", {"q": 2})]


def test_parallel_calls_that_are_all_number_zero():
    assert assembled((0, "a", "read", '{"p":1}'), (0, "b", "read", '{"p":2}')) == [
        ("read", {"p": 1}),
        ("read", {"p": 2}),
    ]


def test_parallel_calls_that_are_all_number_zero_and_have_no_ids():
    assert assembled((0, "", "read", '{"p":1}'), (0, "", "read", '{"p":2}')) == [
        ("read", {"p": 1}),
        ("read", {"p": 2}),
    ]


def test_a_name_that_is_repeated_with_every_piece():
    assert assembled((0, "a", "read", '{"p"'), (0, "a", "read", ":1}")) == [("read", {"p": 1})]


def test_no_numbers_but_ids():
    assert assembled((None, "a", "read", '{"p"'), (None, "b", "write", "{}"), (None, "a", "", ":1}")) == [
        ("read", {"p": 1}),
        ("write", ""),
    ]


def test_neither_numbers_nor_ids():
    assert assembled((None, "", "read", '{"p"'), (None, "", "", ":1}"), (None, "", "read", "{}")) == [
        ("read", {"p": 1}),
        ("read", ""),
    ]


def test_an_id_that_comes_late_belongs_to_the_call():
    assert assembled((0, "", "read", ""), (0, "a", "", '{"p":1}')) == [("read", {"p": 1})]


def test_every_call_has_an_id_of_its_own_even_across_answers():
    assembler = Assembler({"same"})
    assembler.add(0, "same", "read", "{}")
    assembler.add(1, "same", "read", "{}")
    assembler.add(2, "", "read", "{}")
    ids = [call.id for call in assembler.finished()]
    assert len({*ids, "same"}) == 4
    assert all(ids)


def test_arguments_that_are_no_object_are_kept_as_they_came():
    assembler = Assembler()
    assembler.add(0, "a", "read", '{"path": "x"')
    assert assembler.finished() == (ToolCall("a", "read", malformed='{"path": "x"'),)


def test_no_arguments_are_an_empty_object_and_double_encoding_is_undone():
    assert (parsed(""), parsed(" "), parsed('"{\\"a\\":1}"'), parsed("[1]"), parsed("{")) == (
        {}, {}, {"a": 1}, None, None,
    )  # fmt: skip


def test_malformed_arguments_go_back_as_valid_json():
    assert json.loads(written(ToolCall("a", "read", malformed='{"x'))) == {"malformed_arguments": '{"x'}


objects = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9) | st.none(), max_size=3)
calls = st.lists(st.tuples(st.sampled_from(["read", "write"]), objects), min_size=1, max_size=4)


@given(calls, st.randoms(), st.booleans(), st.booleans())
def test_any_interleaving_of_any_pieces_gives_the_calls(wanted, random, ids_always, names_always):
    queues = []
    for index, (name, arguments) in enumerate(wanted):
        text = json.dumps(arguments)
        cuts = sorted(random.randint(0, len(text)) for _ in range(3))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        queue = [(index, f"id{index}", name, "")]
        queue += [(index, f"id{index}" if ids_always else "", name if names_always else "", p) for p in pieces]
        queues.append(queue)
    assembler = Assembler()
    for queue in queues:
        assembler.add(*queue.pop(0))
    while any(queues):
        assembler.add(*random.choice([queue for queue in queues if queue]).pop(0))
    made = [(call.name, dict(call.arguments)) for call in assembler.finished()]
    # without ids, a name that is repeated after the arguments are complete begins another call: nothing tells them apart
    if ids_always or not names_always:
        assert made == wanted
