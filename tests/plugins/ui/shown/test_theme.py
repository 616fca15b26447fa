"""Themes: shipped ones that can be read on dark and light, the user's own, and mistakes in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mimocode_plugins.ui.shown.look import Look
from mimocode_plugins.ui.shown.prose import prose
from mimocode_plugins.ui.shown.theme import OWN, ROLES, SYNTAX, Theme, load, names, read, shipped

DARK, LIGHT = "#1b1b1f", "#fafafa"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.1)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_there_are_a_dozen() -> None:
    assert len(shipped()) >= 13
    assert shipped()[0] == OWN


@pytest.mark.parametrize("name", shipped()[1:])
@pytest.mark.parametrize(("dark", "background"), [(True, DARK), (False, LIGHT)])
def test_every_colour_can_be_read(name: str, dark: bool, background: str) -> None:
    theme = load(name, dark=dark)
    assert {*ROLES.values(), *SYNTAX.values()} - {"syntaxVariable"} <= set(theme.colours)
    faint = {role: round(contrast(colour, background), 1) for role, colour in theme.colours.items()}
    assert {role: ratio for role, ratio in faint.items() if ratio < 4.5} == {}


def test_ones_own_theme_comes_before_a_shipped_one(tmp_path: Path) -> None:
    data = {"defs": {"sea": "#123"}, "theme": {"primary": "sea", "error": {"dark": "#f00", "light": "none"}}}
    (tmp_path / "moss.json").write_text(json.dumps(data))
    assert load("moss", [tmp_path], dark=True).colours == {"primary": "#112233", "accent": "#112233", "error": "#ff0000", "secondary": "#112233", "info": "#112233", "warning": "#112233"}  # fmt: skip
    assert "error" not in load("moss", [tmp_path], dark=False).colours
    assert names([tmp_path, tmp_path / "nowhere"]) == shipped()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, 'it needs an object "theme"'),
        ({"theme": {"error": "reddish"}}, "error: 'reddish' is no colour"),
        ({"theme": {"error": 5}}, "error: 5 is no colour"),
        ({"defs": {"a": "b", "b": "a"}, "theme": {"error": "a"}}, "error: 'a' is no colour"),
    ],
)
def test_mistakes_are_named(data: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read(data, "x", dark=True)


def test_a_theme_that_is_not_there_and_one_that_leads_elsewhere(tmp_path: Path) -> None:
    for name in ("nowhere", "../../secrets"):
        with pytest.raises(ValueError, match="there is no theme"):
            load(name, [tmp_path])


def test_lines_and_code_have_the_colours_and_without_colours_none() -> None:
    theme = read({"theme": {"accent": "#010203", "syntaxKeyword": "#040506"}}, "x", dark=True)
    assert Look(40, "truecolor", theme=theme).paint("word", "bold cyan") == "\x1b[1;38;2;1;2;3mword\x1b[0m"
    code = "\n".join(prose("```py\nreturn `x`\n```\n\nand `code`", Look(40, "truecolor", theme=theme)))
    assert "\x1b[38;2;4;5;6;49mreturn" in code and "\x1b[38;2;1;2;3mcode" in code
    assert Look(40, "none", theme=theme).paint("word", "bold cyan") == "word"
    assert Theme().style("bold cyan") == "bold cyan"
