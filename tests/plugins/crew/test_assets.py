"""Markdown with front matter: found, named, understood, or left out with a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import SettingsError
from mimocode_plugins.crew.assets import Asset, find, front_matter, root


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_files_are_found_folder_by_folder_and_named_by_their_place(tmp_path: Path) -> None:
    user, project = tmp_path / "user", tmp_path / "project"
    one = put(user / "agents/review.md", "---\ndescription: Looks twice\nsteps: 3\n---\n\nLook.\n")
    two = put(user / "agents/team/lead.md", "Lead.\n")
    three = put(project / "agent/review.md", "---\n---\nMine.")
    put(project / "agent/notes.txt", "not this")
    put(project / "agent/.hidden/x.md", "nor this")
    found = find(("agent", "agents"), [("user", user), ("project", project), ("nobody", tmp_path / "none")])
    assert found == (
        [
            Asset(one, "review", {"description": "Looks twice", "steps": 3}, "Look.\n", "user"),
            Asset(two, "team/lead", {}, "Lead.\n", "user"),
            Asset(three, "review", {}, "Mine.", "project"),
        ],
        [],
    )


def test_what_cannot_be_understood_is_named_and_left_out(tmp_path: Path) -> None:
    put(tmp_path / "agents/a.md", "---\na: [1\nb: 2\n---\n")
    put(tmp_path / "agents/b.md", "---\n- a list\n---\n")
    put(tmp_path / "agents/c.md", "---\na: 1\n")
    put(tmp_path / "agents/d.md", "").write_bytes(b"\xff\xfe\x00")
    put(tmp_path / "agents/e.md", "---\nwhen: 2024-99-99\n---\n")
    put(tmp_path / "agents/f.md", "fine")
    assets, problems = find(["agents"], [("user", tmp_path)])
    assert [asset.name for asset in assets] == ["f"]
    at = tmp_path / "agents"
    assert [problem.removeprefix(str(at)) for problem in problems] == [
        "/a.md: the front matter is not YAML in line 3: did not find expected ',' or ']' (left out)",
        '/b.md: the front matter must be lines of the form "key: value" (left out)',
        "/c.md: the front matter is not closed by a line --- (left out)",
        "/d.md: this is not UTF-8 text (left out)",
        "/e.md: the front matter is not YAML: month must be in 1..12 (left out)",
    ]


def test_links_are_followed_but_a_circle_ends(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere/x.md", "x")
    (tmp_path / "user/agents").mkdir(parents=True)
    (tmp_path / "user/agents/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "user/agents/circle").symlink_to(tmp_path / "user/agents")
    assert [asset.name for asset in find(["agents"], [("user", tmp_path / "user")])[0]] == ["linked/x"]


def test_colons_that_people_write_are_text() -> None:
    text = "---\ndescription: Use this: when it rains\nmode: subagent\npermission:\n  edit: deny\n---\nBody"
    assert front_matter(text) == (
        {"description": "Use this: when it rains", "mode": "subagent", "permission": {"edit": "deny"}},
        "Body",
    )


def test_windows_line_ends_and_a_byte_order_mark() -> None:
    assert front_matter("\ufeff---\r\na: b\r\n---\r\nBody\r\n") == ({"a": "b"}, "Body\n")


def test_a_rule_in_the_text_is_not_a_front_matter() -> None:
    assert front_matter("Text\n---\nmore\n---\n") == ({}, "Text\n---\nmore\n---\n")


@given(st.text())
def test_any_text_is_split_or_refused(text: str) -> None:
    for start in ("", "---\n", "---\n---\n"):
        try:
            meta, body = front_matter(start + text)
        except SettingsError:
            continue
        assert isinstance(meta, dict) and isinstance(body, str)


@pytest.mark.parametrize("kind", ["agents", "commands", "skills"])
def test_what_ships_stands_beside_the_sources_or_in_the_package(kind: str) -> None:
    assert root(kind).name == kind


@pytest.mark.parametrize(
    "begin", ["`mimo` is run", "@someone asks", "%50 of it", "[issue] [priority]", "{a} or [b]", "it's: so"]
)
def test_values_that_people_write_are_text_even_where_yaml_forbids_them(begin: str) -> None:
    text = f"---\ndescription: {begin}\nsteps: 3\n---\nBody"
    assert front_matter(text) == ({"description": begin, "steps": 3}, "Body")


@pytest.mark.parametrize("begin", ["\n\n", " ", "\ufeff\r\n"])
def test_blank_lines_before_the_front_matter_do_not_matter(begin: str) -> None:
    assert front_matter(f"{begin}---\na: b\n---\nBody") == ({"a": "b"}, "Body")


@pytest.mark.parametrize("begin", ["", "----\n", "—\n"])
def test_a_front_matter_without_its_first_line_is_named(begin: str) -> None:
    with pytest.raises(SettingsError, match="must stand between two lines ---"):
        front_matter(f"{begin}name: x\ndescription: y\n---\nBody")


def test_what_is_no_file_or_too_large_is_not_read(tmp_path: Path) -> None:
    put(tmp_path / "agents/large.md", "x").write_bytes(b"x" * 300_000)
    os.mkfifo(tmp_path / "agents/pipe.md")
    (tmp_path / "agents/zero.md").symlink_to("/dev/zero")
    (tmp_path / "agents/nothing.md").symlink_to("nowhere")
    assets, problems = find(["agents"], [("user", tmp_path)])
    assert assets == []
    assert [problem.removeprefix(f"{tmp_path}/agents/") for problem in problems] == [
        "large.md: it has more than 256 KB: move parts into files beside it (left out)",
        "nothing.md: cannot be read: No such file or directory (left out)",
        "pipe.md: this is not a file (left out)",
        "zero.md: this is not a file (left out)",
    ]
