"""Colours, languages, and a screen for those who hear it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mimocode_plugins.ui.terminal.background import brightness_of, is_dark
from support.cli import Cli
from support.tty import Tty, terminal


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


def idle(tty: Tty) -> None:
    """Wait until the prompt is empty and nothing runs."""
    tty.wait(lambda tty: "Say what to do" in "".join(tty.lines[-2:]) and "esc interrupts" not in tty.text)


@pytest.mark.parametrize(
    ("answer", "brightness"),
    [
        (b"\x1b]11;rgb:0000/0000/0000\x07\x1b[?62c", 0.0),
        (b"\x1b]11;rgb:ff/ff/ff\x1b\\", 1.0),
        (b"\x1b[?6c", None),
        (b"", None),
    ],
)
def test_how_bright_a_background_is(answer: bytes, brightness: float | None) -> None:
    found = brightness_of(answer)
    assert found == (None if brightness is None else pytest.approx(brightness))


def test_what_the_environment_says_of_the_background() -> None:
    said = [is_dark(wish, {"COLORFGBG": colours}, ask=None) for wish, colours in (("auto", "0;15"), ("auto", "15;0"), ("dark", "0;15"), ("light", ""), ("auto", ""))]  # fmt: skip
    assert said == [False, True, True, False, True]


def test_a_theme_is_chosen_kept_and_follows_the_background_of_the_terminal(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello", COLORTERM="truecolor") as tty:
        idle(tty)
        tty.send("/themes\r")
        tty.wait("Theme")
        tty.send("harb")
        tty.wait("❯ harbour")
        tty.send("\r")
        tty.wait("Theme: harbour")
        assert b"38;2;108;184;230" in tty.raw
        assert b"\x1b]11;?" not in tty.raw  # nothing is asked where nothing depends on it
        tty.send("/light\r")
        tty.wait("Colours for a light background")
        assert b"38;2;23;102;155" in tty.raw
        tty.send("/themes nowhere\r")
        tty.wait("there is no theme 'nowhere'")
        tty.send("\x04")
        tty.end()
    store = cli.home / ".local/state/mimocode/kv.json"
    assert json.loads(store.read_text()) == {"theme": "harbour", "theme_mode": "light"}
    store.write_text('{"theme": "harbour"}')
    with terminal(cli, "-m", "scripted/hello", COLORTERM="truecolor") as tty:
        tty.wait(lambda tty: b"\x1b]11;?" in tty.raw)
        os.write(tty._handle, b"typed \x1b]11;rgb:fafa/fafa/fafa\x07\x1b[?62;4cearly")
        tty.wait("❯ typed early")
        assert b"38;2;23;102;155" in tty.raw and b"38;2;108;184;230" not in tty.raw


def test_chinese(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello", LANG="zh_CN.UTF-8") as tty:
        tty.wait(lambda tty: "说说要做什么" in tty.text.replace(" ", ""))
        tty.send("/language en\r")
        idle(tty)


def test_plain_text_for_those_who_hear_it(cli: Cli) -> None:
    steps = [
        {"text": "I **look**.\n\n" * 3, "calls": [{"name": "bash", "arguments": {"command": "echo made"}}], "pace": 0.2},
        {"text": "The end."},
    ]  # fmt: skip
    with terminal(cli, "--plain", "--yolo", "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("Working. Esc interrupts.")
        tty.wait("The end")
        idle(tty)
        assert "You: go" in tty.lines
        assert any(line.startswith("Done: echo made") for line in tty.lines)
        assert not any(sign in tty.raw.decode() for sign in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
        assert b"\x1b[38;" not in tty.raw and b"\x1b[36m" not in tty.raw


def test_keys_of_vi_by_a_command(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello") as tty:
        idle(tty)
        tty.send("/keymap vi\r")
        tty.wait("The prompt has the keys of vi")
        tty.send("x\x1b")
        tty.wait("❮ x")
