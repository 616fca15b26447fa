"""JSON with comments: the same values as JSON, errors at their place, keys with their lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import SettingsError
from mimocode_plugins.store.workspace import jsonc

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
noise = st.sampled_from(
    ["", " ", "\n", "// said\n", "/* so */", "/* two\nlines */", "//\n\n", "\t", '/* "x": { */', "// ,]}\n"]
)


@st.composite
def written(draw: st.DrawFn, value: Any) -> str:
    """A value as somebody might write it, with comments and trailing commas."""

    def gap() -> str:
        return draw(noise)

    def put(value: Any) -> str:
        if isinstance(value, dict):
            parts = [f"{gap()}{json.dumps(key)}{gap()}:{gap()}{put(each)}{gap()}" for key, each in value.items()]
            opening, closing = "{", "}"
        elif isinstance(value, list):
            parts, (opening, closing) = [f"{gap()}{put(each)}{gap()}" for each in value], "[]"
        else:
            return json.dumps(value, ensure_ascii=draw(st.booleans()))
        tail = draw(st.sampled_from(["", ","])) if parts else ""
        return f"{opening}{','.join(parts)}{tail}{gap()}{closing}"

    return f"{gap()}{put(value)}{gap()}"


@given(st.data(), values)
def test_comments_and_trailing_commas_change_nothing(data: st.DataObject, value: Any) -> None:
    text = data.draw(written(value))
    assert jsonc.parse(text, "here") == value
    plain = jsonc.plain(text)
    assert [at for at, c in enumerate(plain) if c == "\n"] == [at for at, c in enumerate(text) if c == "\n"]
    assert len(plain) == len(text)


@given(values)
def test_plain_json_is_left_as_it_is(value: Any) -> None:
    text = json.dumps(value)
    assert jsonc.plain(text) == text


@given(st.data(), st.dictionaries(st.text(), values, max_size=4))
def test_every_key_stands_on_its_line(data: st.DataObject, value: dict[str, Any]) -> None:
    text = data.draw(written(value))
    found = jsonc.lines(text)
    assert {path[0] for path in found if len(path) == 1} == set(value)
    rows = jsonc.plain(text).split("\n")
    for path, line in found.items():
        row = rows[line - 1]
        assert json.dumps(path[-1]) in row or json.dumps(path[-1], ensure_ascii=False) in row


def test_lines_go_into_lists() -> None:
    text = '{ // one\n "a": [\n  {"b": 1},\n  {\n   "b": 2, },\n ],\n "c": {"d": "}"}, }'
    assert jsonc.lines(text) == {
        ("a",): 2, ("a", "0", "b"): 3, ("a", "1", "b"): 5, ("c",): 7, ("c", "d"): 7
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"a": }', "f:1:7: a value is expected here"),
        ('{\n  // so\n  "a": 1\n  "b": 2\n}', "f:4:3: a comma or a closing bracket is expected here"),
        ("{a: 1}", "f:1:2: a key in double quotes or } is expected here"),
        ('{"a" 1}', "f:1:6: a colon is expected here"),
        ('{"a": "b', "f:1:7: this string is not closed"),
        ('{"a": "b\n"}', "f:1:9: a string must close on its own line"),
        ('{"a": 1} }', "f:1:10: the file should end here"),
        ('{"a": [1,,]}', "f:1:10: a value is expected here"),
        ('{"a": [,]}', "f:1:8: a value is expected here"),
        ("{,}", "f:1:2: a key in double quotes or } is expected here"),
        ('{"a": /* on', "f:1:7: a value is expected here"),
        ('{"a": NaN}', "f: NaN is not a value of JSON"),
        ("[" * 200_000, "f: this is nested too deeply"),
        ('{"a":' * 101 + "1" + "}" * 101, "f: this is nested too deeply"),
    ],
)
def test_errors_say_where_and_what_was_expected(text: str, complaint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        jsonc.parse(text, "f")
    assert str(caught.value) == complaint


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for attempt in (text, f"{{{text}}}", f'{{"a": "{text}", }}'):
        try:
            jsonc.parse(attempt, "f")
        except SettingsError:
            continue
        jsonc.lines(attempt)


def test_references_are_escaped_in_strings_raw_outside_and_left_alone_in_comments() -> None:
    text = '{ // {env:A}\n "a": "x {env:A} y", "b": {env:B}, "c": "http://{file:c}", /* {file:no} */ }'
    asked: list[tuple[str, str, int]] = []

    def resolve(kind: str, name: str, line: int) -> str:
        asked.append((kind, name, line))
        return {"A": 'say "hi"\n', "B": '{"n": 1}', "c": "host"}[name]

    filled = jsonc.fill(text, resolve)
    assert jsonc.parse(filled, "f") == {"a": 'x say "hi"\n y', "b": {"n": 1}, "c": "http://host"}
    assert asked == [("env", "A", 2), ("env", "B", 2), ("file", "c", 2)]
    assert jsonc.parse(jsonc.quote_references(text), "f")["b"] == "{env:B}"


@given(st.text(st.characters(codec="utf-8")))
def test_whatever_a_variable_holds_stays_one_string(value: str) -> None:
    assert jsonc.parse(jsonc.fill('{"a": "{env:A}"}', lambda *_: value), "f") == {"a": value}


def test_a_hundred_levels_are_not_too_deep() -> None:
    assert jsonc.parse('{"a":' * 100 + "1" + "}" * 100, "f")


def test_a_key_that_stands_there_twice_is_found_with_its_line() -> None:
    text = """{
      "a": {"b": 1, "b": 2}, // "a": 3
      "c": [{"d": 1}, {"d": 2}],
      "a": 4
    }"""
    assert list(jsonc.twice(text)) == [("a.b", 2), ("a", 4)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (r'{"a": "\u001b]52;c;eA=="}', 1),
        ('{\n"a\\u009b": 1}', 2),
        ('{"a": "\x9b"}', 1),
        (r'{"a": "\b"}', 1),
        (r'{"a": "two\nlines\tand \\u001b, C:\\bin\\u001b, \u4f60"}', 0),
        ("{} // done\r\n", 0),
    ],
)
def test_control_characters_are_found_where_they_stand(text: str, line: int) -> None:
    assert jsonc.commanding(text) == line
