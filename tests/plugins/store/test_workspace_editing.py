"""A settings file is changed in one place, and the rest of it is still the user's own hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import SettingsError
from mimocode_plugins.store.workspace import jsonc
from mimocode_plugins.store.workspace.editing import SettingsFile, drop, put

FILE = """\
// mine
{
  "model": "a/b", // the good one
  /* servers */
  "mcp": {
    "fs": { "type": "local", "command": ["npx", "fs"] }, // files
    // "old": {},
  },
  "permission": {"bash": "ask"},
  "timeout": {env:LIMIT} // bare
}
"""


@pytest.mark.parametrize(
    ("keys", "value", "gone", "come"),
    [
        (["model"], "c/d", '"a/b"', '"c/d"'),
        (["permission", "bash"], "deny", '"ask"', '"deny"'),
        (["permission", "edit"], "ask", '{"bash": "ask"}', '{"bash": "ask", "edit": "ask"}'),
        (["mcp", "fs", "type"], "remote", '"local"', '"remote"'),
        (["timeout"], 5, "{env:LIMIT} //", "5 //"),
        (["model", "deep"], 1, '"a/b"', '{\n    "deep": 1\n  }'),
    ],
)
def test_a_value_is_set_where_it_stands(keys: list[str], value: Any, gone: str, come: str) -> None:
    assert put(FILE, keys, value) == FILE.replace(gone, come, 1)


def test_what_is_new_comes_last_after_the_comments_of_the_others() -> None:
    changed = put(FILE, ["mcp", "web", "url"], "https://x.example/mcp")
    made = '    // "old": {},\n    "web": {\n      "url": "https://x.example/mcp"\n    }\n  },'
    assert changed == FILE.replace('    // "old": {},\n  },', made)
    top = put(FILE, ["username"], "Ada")
    assert top == FILE.replace("{env:LIMIT} // bare\n", '{env:LIMIT}, // bare\n  "username": "Ada"\n')


@pytest.mark.parametrize(
    ("keys", "gone", "left"),
    [
        (["model"], '  "model": "a/b", // the good one\n', ""),
        (["timeout"], ',\n  "timeout": {env:LIMIT} // bare\n', "\n"),
        (["mcp", "fs"], '    "fs": { "type": "local", "command": ["npx", "fs"] }, // files\n', ""),
        (["mcp", "fs", "type"], '"type": "local", ', ""),
        (["mcp", "fs", "command"], '"local", "command": ["npx", "fs"] }', '"local" }'),
        (["nothing"], "", ""),
        (["model", "below"], "", ""),
    ],
)
def test_a_value_is_taken_out(keys: list[str], gone: str, left: str) -> None:
    assert drop(FILE, keys) == FILE.replace(gone, left, 1)


@pytest.mark.parametrize("before", ["", "{}", "{ }", "{\n}\n", "// nothing yet\n{\n  // here\n}\n", "{\r\n}\r\n"])
def test_an_empty_file_gets_its_first_value(before: str) -> None:
    after = put(before, ["model"], "a/b")
    assert jsonc.parse(after, "") == {"model": "a/b"}
    assert [line for line in before.splitlines() if "//" in line] == [x for x in after.splitlines() if "//" in x]
    assert ("\r\n" in after) == ("\r\n" in before)
    assert jsonc.parse(drop(after, ["model"]), "") == {}


@pytest.mark.parametrize("before", ["[1]", "{", '{"a" 1}', '"x"'])
def test_a_file_that_makes_no_sense_is_left_alone(before: str, tmp_path: Path) -> None:
    path = tmp_path / "mimocode.json"
    path.write_text(before)
    with pytest.raises(SettingsError, match=re.escape(str(path))):
        SettingsFile(path).put(["a"], 1)
    assert path.read_text() == before


def test_the_file_that_is_there_is_the_one_that_changes(tmp_path: Path) -> None:
    assert SettingsFile.of(tmp_path).path.name == "mimocode.jsonc"
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "mimocode.json").write_text("{}")
    (tmp_path / "mimocode.json").chmod(0o640)
    file = SettingsFile.of(tmp_path)
    file.put(["provider", "x", "name"], "X")
    assert file.path == tmp_path / "mimocode.json"
    assert file.path.stat().st_mode & 0o777 == 0o640
    assert file.value(["provider", "x"]) == {"name": "X"}
    assert file.value(["provider", "x", "name", "deep"]) is None
    assert (file.drop(["provider", "y"]), file.drop(["provider", "x"])) == (False, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "mimocode.json"]


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    (tmp_path / "dotfiles/mine.json").write_text("{}")
    (tmp_path / "mimocode.json").symlink_to(tmp_path / "dotfiles/mine.json")
    SettingsFile.of(tmp_path).put(["model"], "a/b")
    assert (tmp_path / "mimocode.json").is_symlink()
    assert json.loads((tmp_path / "dotfiles/mine.json").read_text()) == {"model": "a/b"}


# -- any file -------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", 'quo"te', "sl/ash", "//", "é", "{env:X}"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "// no comment", "a,}", "{env:Y}", "\n"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
NOISE = st.sampled_from(["", "", " ", "\n", "\n  ", " // note 1, }\n", "/* note 2 ] */", "\t"])


def written(value: Any, draw: Any) -> str:
    """A value as somebody with taste for comments would write it."""
    noise = lambda: draw(NOISE)  # noqa: E731
    if isinstance(value, dict):
        parts = [f"{noise()}{json.dumps(k)}{noise()}:{noise()}{written(v, draw)}{noise()}" for k, v in value.items()]
        comma = "," if parts and draw(st.booleans()) else ""
        return "{" + ",".join(parts) + comma + noise() + "}"
    if isinstance(value, list):
        return "[" + ",".join(noise() + written(each, draw) + noise() for each in value) + "]"
    return json.dumps(value)


def notes(text: str) -> list[str]:
    return re.findall(r"note \d", text)


@given(st.data(), st.dictionaries(KEYS, VALUES, max_size=4), st.lists(KEYS, min_size=1, max_size=3), VALUES)
def test_any_value_of_any_file_is_set_and_taken_out_again(
    data: Any, table: dict[str, Any], keys: list[str], value: Any
) -> None:
    text = written(table, data.draw) + "\n"
    assert jsonc.parse(text, "") == table
    changed = put(text, keys, value)  # checks by itself that it says what it should
    found: Any = jsonc.parse(changed, "")
    for key in keys:
        found = found[key]
    assert found == value
    assert set(notes(changed)) <= set(notes(text))
    without = drop(changed, keys)
    if keys[0] not in table:  # everything of the user is still there, to the last comment
        assert notes(changed) == notes(text)
        assert jsonc.parse(drop(without, keys[:1]), "") == table
