"""Server-sent events, cut anywhere."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode_plugins.providers.wire.sse import Decoder, Event, TooLong


def decode(*chunks: bytes) -> list[Event]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_events_end_with_an_empty_line():
    assert decode(b"event: ping\ndata: 1\n\ndata: 2\n\n") == [Event("ping", b"1"), Event("", b"2")]


def test_lines_end_with_cr_lf_or_both():
    assert decode(b"data: a\r\rdata: b\r\n\r\ndata: c\n\n") == [Event("", b"a"), Event("", b"b"), Event("", b"c")]


def test_several_data_lines_are_one_text():
    assert decode(b"data: a\ndata:b\ndata\n\n") == [Event("", b"a\nb\n")]


def test_comments_ids_and_a_byte_order_mark_are_no_data():
    assert decode(b"\xef\xbb\xbf: hello\nid: 7\nretry: 9\ndata: x\n\n: ping\n\n") == [Event("", b"x")]


def test_an_event_without_data_is_none():
    assert decode(b"event: nothing\n\ndata: x\n\n") == [Event("", b"x")]


def test_what_is_unfinished_at_the_end_is_no_event():
    decoder = Decoder()
    assert decoder.feed(b'data: {"a":') == []
    assert decoder.midway


def test_a_line_feed_after_a_cut_return_is_not_a_second_line():
    assert decode(b"data: a\r", b"\n", b"\r", b"\ndata: b\r\n\r\n") == [Event("", b"a"), Event("", b"b")]


def test_an_endless_event_is_refused():
    decoder = Decoder(limit=100)
    with pytest.raises(TooLong):
        for _ in range(60):
            decoder.feed(b"xx")


def test_endless_data_lines_are_refused():
    decoder = Decoder(limit=100)
    with pytest.raises(TooLong):
        for _ in range(60):
            decoder.feed(b"data: xx\n")


stream = st.lists(
    st.sampled_from([b"data: ", b"data:", b"event: e", b": c", "ä€😀".encode(), b"x", b"\r", b"\n", b"\r\n", b"\n\n"]),
    max_size=40,
).map(b"".join)


@given(stream, st.lists(st.integers(0, 200), max_size=12))
def test_any_chunking_gives_the_same_events(whole: bytes, cuts: list[int]):
    places = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    pieces = [whole[a:b] for a, b in itertools.pairwise(places)]
    assert decode(*pieces) == decode(whole)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=5))
def test_what_is_sent_is_what_comes(texts: list[str]):
    sent = b"".join(b"data: " + text.encode() + b"\n\n" for text in texts)
    assert decode(*(bytes([byte]) for byte in sent)) == [Event("", text.encode()) for text in texts]
