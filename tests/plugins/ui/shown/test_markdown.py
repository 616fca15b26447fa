"""What is committed never changes later, however the text was cut; and nothing that was said is lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode_plugins.ui.shown.look import Look
from mimocode_plugins.ui.shown.markdown import Block, Splitter
from mimocode_plugins.ui.shown.prose import lines

LINES = [
    "", "", "word", "two words", "  - nested item", "- item", "* star", "1. first", "12) twelfth", "# Head", "### Deep ###",
    "```", "```python", "~~~~", "    indented", "> quote", "| a | b |", "|---|:-:|", "| 1 | 2 |", "---", "===", "***",
    "  continued", "a | b", "`code` **bold**", "-", "漢字 text", "\tTab", "word\r",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(LINES), max_size=14).map("\n".join) | st.text(max_size=60)


def blocks(*pieces: str) -> list[Block]:
    """All blocks of a text that comes in pieces."""
    splitter = Splitter()
    return [block for piece in pieces for block in splitter.feed(piece)] + splitter.finish()


def test_a_text_with_everything() -> None:
    text = "Intro\nmore\n# Head\n- one\n- two\n  more\n\n```py\nx = 1\n\n```\n| a | b |\n|---|---|\n| 1 | 2 |\n\nTitle\n===\n> q\n> r\n"
    assert blocks(text) == [
        Block("paragraph", "Intro\nmore"),
        Block("heading", "Head", level=1, gap=True),
        Block("item", "one", mark="-", gap=True),
        Block("item", "two\nmore", mark="-"),
        Block("code", "x = 1", language="py", gap=True),
        Block("code", "", language="py", before="x = 1"),
        Block("table", "| a | b |\n|---|---|\n| 1 | 2 |", gap=True),
        Block("heading", "Title", level=1, gap=True),
        Block("quote", "q\nr", gap=True),
    ]


def test_code_is_finished_line_by_line() -> None:
    splitter = Splitter()
    assert splitter.feed("```py\na = 1\nb =") == [Block("code", "a = 1", language="py")]
    assert splitter.rest() == [Block("code", "b =", language="py", before="a = 1")]
    assert splitter.feed(" 2\n") == [Block("code", "b = 2", language="py", before="a = 1")]
    assert splitter.finish() == []


@given(TEXTS, st.data())
def test_it_does_not_matter_how_a_text_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert blocks(*pieces) == blocks(text)


@given(TEXTS, TEXTS)
def test_what_is_finished_never_changes(begin: str, more: str) -> None:
    splitter = Splitter()
    done = splitter.feed(begin)
    seen = done + splitter.rest()
    assert seen == blocks(begin)
    assert splitter.rest() == seen[len(done) :]  # looking changes nothing
    assert blocks(begin + more)[: len(done)] == done


@given(
    st.lists(
        st.sampled_from([line for line in LINES if line != "---" and not line.startswith(("```", "~~~", "|--", "=="))]),
        max_size=14,
    )
)
def test_no_word_is_lost(lines: list[str]) -> None:
    said = " ".join(f"{block.mark} {block.text}" for block in blocks("\n".join(lines)))
    assert re.findall(r"\w+", said) == re.findall(r"\w+", " ".join(lines))


CODE = {
    "python": ['text = """says', *["in many words", "if it does"] * 6, '"""', "def f(a): return 1"],
    "c": ["/* A comment", *[" * of many", " * lines"] * 6, " */", "int main(void) { return 0; }"],
    "javascript": ["const a = `text", *["of if and for", "while"] * 6, "`;", "if (a) { return 1; }"],
    "text": ["nothing", "to", "colour"] * 4,
}


@pytest.mark.parametrize("language", CODE)
def test_code_that_comes_line_by_line_has_the_colours_it_has_as_a_whole(language: str) -> None:
    code = [*CODE[language] * 2, *[f"x{number} = {number}; // why" for number in range(12)]]
    splitter, look, fewest = Splitter(), Look(80, "256"), len(code)
    shown: list[str] = []
    for line in [f"```{language}", *code]:
        for block in splitter.feed(line + "\n"):
            shown += lines(block, look)
            fewest = block.before.count("\n") if block.number > 30 else fewest
    whole = Block("code", "\n".join(code), language=language)
    assert [line for line in shown if line] == [line for line in lines(whole, look) if line]
    assert fewest < 12 or language == "text"  # each line costs as much as what it is coloured with
