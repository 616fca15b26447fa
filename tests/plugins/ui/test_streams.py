"""Nothing that steers a terminal reaches it."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import UsageError
from mimocode_plugins.ui.streams import Results, Screen, one_line, safe_json, visible


def test_control_characters_are_shown_and_text_is_left_alone() -> None:
    assert visible("plain, ümläut, 漢字, 👩‍💻\n\tindented") == "plain, ümläut, 漢字, 👩‍💻\n\tindented"
    assert visible("\x1b]52;c;ZXZpbA==\x07") == "␛]52;c;ZXZpbA==␇"
    assert visible("over\rwritten\r\nline \x7f\x9b31m") == "over␍written\nline ␡\\x9b31m"
    assert visible("invoice\u202egnp.exe") == "invoice\\u202egnp.exe"


@given(st.text())
def test_no_text_smuggles_a_control_character(text: str) -> None:
    shown = visible(text)
    assert all(c in "\n\t" or (ord(c) >= 0x20 and not 0x7F <= ord(c) <= 0x9F) for c in shown)
    assert visible(shown) == shown


@given(st.text())
def test_json_decodes_to_the_same_value_and_holds_no_control_character(text: str) -> None:
    line = safe_json(json.dumps({"text": text}, ensure_ascii=False))
    assert json.loads(line) == {"text": text}
    assert visible(line) == line
    assert "\n" not in line


def test_one_line_is_one_line() -> None:
    assert one_line("a\n b\r\n\tc") == "a b c"
    assert one_line("x" * 10, limit=5) == "xxxx…"


def test_colours_only_on_a_terminal_without_no_color(monkeypatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Screen(Terminal()).paint("a\nb", "red") == "\x1b[31ma\x1b[0m\n\x1b[31mb\x1b[0m"
    assert Screen(io.StringIO()).paint("a", "red") == "a"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Screen(Terminal()).paint("a", "red") == "a"


def test_a_reader_that_went_away_is_noticed_once_and_never_raises() -> None:
    class Broken(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    results = Results(Broken())
    results.write("a")
    assert results.gone
    results.write("b")
    Screen(Broken()).line("c")


def test_results_that_cannot_be_written_are_an_error_with_a_sentence() -> None:
    with open("/dev/full", "w") as full:
        results = Results(full)
        with pytest.raises(UsageError, match="standard output cannot be written: No space left on device"):
            results.write("a")
        results.write("b")
