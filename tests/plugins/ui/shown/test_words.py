"""The program speaks the user's language where somebody translated what it says."""

from __future__ import annotations

import ast
from importlib.resources import files
from pathlib import Path

import pytest

import mimocode_plugins.ui.shown as shown
from mimocode_plugins.ui.shown.words import LINE, aside, entries, spoken, translated

PO = files(shown).joinpath("languages/zh.po").read_text("utf-8")


@pytest.mark.parametrize(
    ("wish", "environ", "language"),
    [
        ("auto", {"LANG": "zh_CN.UTF-8"}, "zh"),
        ("auto", {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ("auto", {"LANG": "fr_FR.UTF-8"}, "en"),
        ("auto", {}, "en"),
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
    ],
)
def test_which_language(wish: str, environ: dict[str, str], language: str) -> None:
    assert spoken(wish, environ) == language


def test_what_is_not_translated_stays() -> None:
    assert translated("Thinking", "zh") == "思考中"
    assert translated("Thinking", "en") == "Thinking"
    assert translated("never heard of", "zh") == "never heard of"
    assert translated("", "zh") == ""


def test_a_catalogue_may_hold_long_and_quoted_texts() -> None:
    text = '# note\nmsgid ""\n"two "\n"parts\\n"\nmsgstr "say \\"hi\\""\n\nmsgid "empty"\nmsgstr ""\n'
    assert entries(text) == {"two parts\n": 'say "hi"'}


def test_every_translation_is_of_something_that_is_said() -> None:
    ours = Path(str(files(shown))).parent
    said = {
        node.value
        for path in [*ours.glob("terminal/*.py"), *ours.glob("shown/*.py")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(entries(PO)) - said == set()


def test_what_an_agent_is_told_beside_the_conversation_is_one_line() -> None:
    told = '<agent name="plan">\nFrom here on you work as the agent "plan".\n\nA page.\n</agent>'
    assert aside("prompt", told) == ("agent", "plan")
    report = '<actor id="explore-1" state="done" summary="it&#x27;s there">\nIt is in a.py.\n</actor>'
    assert aside("inbox", report) == ("explore-1", "done: it's there")
    assert aside("inbox", '<message from="coder-2">\nWhich\nport?\n</message>') == ("coder-2", "Which port?")
    cut = '<interrupted call="bash">\nIt had printed:\na < b\n</interrupted>'
    assert aside("interrupted", cut) == ("interrupted", "It had printed: a < b")
    assert aside("workflow", "<workflow>\nIt ended.\n</workflow>\nTell the user.") == ("workflow", "It ended.")
    assert aside("inbox", '<actor id="a">') == ("inbox", '<actor id="a">')
    assert aside("before_stop", "It is not\n done") == ("sent back", "It is not done")
    assert aside("inbox", "x" * 400) == ("inbox", "x" * (LINE - 1) + "…")
