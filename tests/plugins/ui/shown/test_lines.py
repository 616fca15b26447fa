"""Lines fit, whatever is in them, and hold nothing that steers a terminal but colours."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mimocode_plugins.ui.shown.look import Look, depth
from mimocode_plugins.ui.shown.prose import inline, prose

SGR = re.compile(r"\x1b\[[0-9;]*m")
WIDE = st.text(st.sampled_from("ab c漢字ｱ👩‍💻é\u0301\n\t-*`|#\x1b[31m\u202e_"), max_size=120)


@given(WIDE | st.text(max_size=80), st.integers(20, 60), st.booleans())
def test_no_line_is_wider_than_the_terminal_and_no_letter_is_lost(text: str, width: int, hard: bool) -> None:
    lines = Look(width).lines(text, first="❯ ", hard=hard)
    assert all(cell_len(line) <= width for line in lines)
    from mimocode_plugins.ui.streams import visible

    assert "".join("".join(lines).split()).removeprefix("❯") == "".join(visible(text).split())


@given(WIDE, st.integers(20, 60))
def test_markdown_fits_and_only_colours_reach_the_terminal(text: str, width: int) -> None:
    for line in prose(text, Look(width, "256")):
        bare = SGR.sub("", line)
        assert cell_len(bare) <= width
        assert all(ord(letter) >= 0x20 and not 0x7F <= ord(letter) <= 0x9F for letter in bare)
    assert [SGR.sub("", line).rstrip() for line in prose(text, Look(width, "256"))] == prose(text, Look(width))


def test_how_markdown_looks_without_colours() -> None:
    text = "# Head\nA [link](https://a.b/c), `code` and **bold**.\n\n1. one\n   - two\n\n```sh\nls  -la\n```\n\n| n | v |\n|:--|--:|\n| a | 10 |\n"
    assert prose(text, Look(40)) == [
        "Head",
        "A link (https://a.b/c), code and bold.",
        "",
        "1. one",
        "   • two",
        "",
        "  ls  -la",
        "",
        "n    v",
        "──────",
        "a   10",
    ]


def test_lines_broken_by_a_width_flow_and_short_ones_stay() -> None:
    long = "word " * 12 + "end"
    assert prose(f"{long}\ngoes on.\nName: x\nSize: y", Look(200)) == [f"{long} goes on. Name: x Size: y"]
    assert prose("Name: x\nSize: y", Look(200)) == ["Name: x", "Size: y"]


def test_entities_cannot_smuggle_controls() -> None:
    assert inline("&#27;[31m &#8238;x &#13;").plain.isprintable()


def test_colours_follow_the_environment() -> None:
    assert depth({"NO_COLOR": "1", "TERM": "xterm-256color"}) == "none"
    assert depth({"TERM": "dumb"}) == "none"
    assert depth({"TERM": "xterm", "COLORTERM": "truecolor"}) == "truecolor"
    assert depth({"TERM": "screen-256color"}) == "256"
    assert depth({"TERM": "linux"}) == "standard"
