"""Edits that do not fit exactly: what is taken for what was meant, and what never is."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mimocode.errors import ToolFailed
from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.text import coding, editing, fuzzy
from mimocode_plugins.tools.text.ledger import Ledger

FILES = sorted((Path(__file__).parent / "near_misses").glob("*.yaml"))
CASES = [(f"{file.stem}: {case['name']}", case) for file in FILES for case in yaml.safe_load(file.read_text("utf-8"))]


def edited(before: bytes, old: str, new: str) -> tuple[bytes, editing.Change | ToolFailed]:
    """What a file becomes, and what was said."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(os.path.realpath(directory)) / "f"
        file.write_bytes(before)
        ledger, place = Ledger({}), Place(file.parent, file.parent)
        ledger.saw(file, before)
        try:
            said: Any = editing.edit(place, "f", old, new, False, ledger)
        except ToolFailed as failure:
            said = failure
        return file.read_bytes(), said


def test_the_corpus_is_large() -> None:
    assert len(CASES) >= 80
    assert len({name for name, _ in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_a_near_miss(case: dict[str, str]) -> None:
    before = case["file"].encode()
    after, said = edited(before, case["old"], case["new"])
    if "fails" in case:
        assert isinstance(said, ToolFailed), f"it became {after.decode()!r}"
        assert case["fails"] in str(said)
        assert hashlib.sha256(after).digest() == hashlib.sha256(before).digest()
    else:
        assert not isinstance(said, ToolFailed), said
        assert after.decode() == case["becomes"]


_WORD = st.sampled_from(["a", "bb", "c = 1", "d()", "é", "“q”", "", "x  y"])
_SPACE = st.sampled_from(["", " ", "    ", "\t", "\t\t"])
_LINE = st.builds(str.__add__, _SPACE, _WORD)
_SLIPS = st.sampled_from(
    [
        lambda text: text.expandtabs(4),
        lambda text: "\n".join(line.rstrip() + "  " for line in text.split("\n")),
        lambda text: "\n".join(line.strip() for line in text.split("\n")),
        lambda text: "\n".join(f"{n}: {line}" for n, line in enumerate(text.split("\n"), 1)),
        lambda text: text.replace("\n", "\\n"),
        lambda text: text.replace("“", '"').replace("”", '"'),
        lambda text: f"\n{text}\n\n",
        lambda text: text.replace("a", "b"),
    ]
)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(_LINE, min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(
        [coding.Coding(), coding.Coding("utf-8", b"\xef\xbb\xbf"), coding.Coding("utf-16-le", b"\xff\xfe")]
    ),
    st.data(),
)
def test_whatever_is_forgiven_only_the_lines_that_are_meant_change(
    lines: list[str], ends: str, how: coding.Coding, data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(lines) - 1))
    last = data.draw(st.integers(first + 1, len(lines)))
    old = data.draw(_SLIPS)("\n".join(lines[first:last]))
    new = data.draw(st.sampled_from(["N", "", old + "\nN", "N\n" + old, old.upper()]))
    before = how.encode(ends.join(lines))
    after, said = edited(before, old, new) if old else (before, ToolFailed(""))
    if isinstance(said, ToolFailed):
        assert after == before
        return
    text = how.decode(after)
    if said.note:  # forgiven: one place, and everything before and after it is there byte for byte
        whole, flat = ends.join(lines), "\n".join(lines)
        match = fuzzy.find(flat, old, new)
        assert match is not None
        kept = flat[: match.start].replace("\n", ends), flat[match.end :].replace("\n", ends)
        assert text.startswith(kept[0])
        assert text.endswith(kept[1])
        assert text.replace("\r\n", "\n") == flat[: match.start] + match.new + flat[match.end :]
        assert text != whole
