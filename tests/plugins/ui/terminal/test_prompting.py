"""What the prompt takes in: images by their path and from the clipboard, dropped files, resources, skills."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.messages import Media
from mimocode_plugins.ui.terminal import clipboard
from mimocode_plugins.ui.terminal.dropped import dropped
from mimocode_plugins.ui.terminal.pasting import Pastes, marker_before, mentioned
from support.cli import Cli
from support.tty import Tty, terminal

PNG = clipboard.SIGNATURE + b"and so on"


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


def idle(tty: Tty) -> None:
    """Wait until the prompt is empty and nothing runs."""
    tty.wait(lambda tty: "Say what to do" in "".join(tty.lines[-2:]) and "esc interrupts" not in tty.text)


def paste(tty: Tty, text: str) -> None:
    """Paste as a terminal does."""
    tty.send(f"\x1b[200~{text}\x1b[201~")


def test_what_terminals_make_of_a_dropped_file_is_understood(tmp_path: Path) -> None:
    one, two = tmp_path / "my file.txt", tmp_path / "it's (2).png"
    for path in (one, two):
        path.write_text("x")
    said = [f"'{one}' ", str(one).replace(" ", "\\ "), one.as_uri(), str(one), shlex.join([str(one), str(two)])]
    assert [dropped(text, tmp_path) for text in said] == [[one], [one], [one], [one], [one, two]]
    for text in (
        "my file.txt",
        "",
        "'",
        f"{one} {two} and words",
        str(tmp_path),
        "a\nb",
        "file://elsewhere/etc/passwd",
    ):
        assert dropped(text, tmp_path) == []


@given(st.text(st.characters(blacklist_characters="/\0\n", blacklist_categories=["Cs"]), min_size=1, max_size=20))
def test_a_file_of_any_name_is_found_behind_its_quotes(name: str) -> None:
    path = Path("/tmp") / f"x{name}x"
    assert shlex.split(shlex.quote(str(path))) == [str(path)]
    assert dropped(shlex.quote(str(path)), Path("/tmp")) == []  # it is not there


def test_pasted_paths_become_markers_or_lose_their_quotes(tmp_path: Path) -> None:
    for name in ("a b.png", "sub/a b.png", "notes one.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"png")
    pastes = Pastes(tmp_path)
    first = pastes.take(f"'{tmp_path / 'a b.png'}'")
    second = pastes.take("sub/a\\ b.png")
    assert (first, second) == ("[image a b.png] ", "[image a b.png 2] ")
    assert pastes.take("a b.png") == first
    assert pastes.take(f"'{tmp_path / 'notes one.txt'}'") == f'"{tmp_path / "notes one.txt"}" '
    assert pastes.take("a b.png", "look at @") == f'"{tmp_path / "a b.png"}" '
    assert pastes.take("'a b.png'", "!file ") == "'a b.png'"
    assert pastes.shown(f"{second} {first} [image none.png]") == (Media("image/png", "cG5n", "a b.png"),) * 2
    assert [marker_before(text) for text in (f"see {first.strip()}", first, "[Pasted #1: 4 lines]")] == [15, 0, 20]


def test_names_with_blanks_are_mentioned_in_quotes(tmp_path: Path) -> None:
    (tmp_path / "my notes.txt").write_text("42\n")
    path = tmp_path / "my notes.txt"
    assert mentioned('see @"my notes.txt", please', tmp_path) == (f'<file path="{path}">\n42\n\n</file>', ())


def test_one_goes_on_from_a_directory_with_blanks_in_its_name(cli: Cli) -> None:
    (cli.project / "odd dir").mkdir()
    (cli.project / "odd dir/a b.txt").write_text("42")
    with terminal(cli, "-m", cli.scenario([{"text": "You said: ${prompt}"}]), columns=100) as tty:
        idle(tty)
        tty.send("see @od")
        tty.wait("  odd dir/a b.txt")
        tty.send("\t")
        tty.wait('❯ see @"odd dir/"')
        tty.send("a")
        tty.wait(lambda tty: "  odd dir/a b.txt" in tty.lines and "  odd dir/" not in tty.lines)
        tty.send("\tnow")
        tty.wait('❯ see @"odd dir/a b.txt" now')


def test_an_image_is_pasted_by_its_path_and_goes_along(cli: Cli) -> None:
    (cli.project / "my cat.png").write_bytes(PNG)
    (cli.project / "two words.txt").write_text("the answer is 42\n")
    with terminal(cli, "-m", cli.scenario([{"text": "You said: ${prompt}"}]), columns=100) as tty:
        idle(tty)
        paste(tty, f"'{cli.project / 'my cat.png'}'")
        tty.wait(r"❯ \[image my cat.png\]")
        tty.send("\x7f\x7f")
        idle(tty)
        paste(tty, f"'{cli.project / 'my cat.png'}'")
        tty.send("and @two")
        tty.wait("two words.txt")
        tty.send("\t")
        tty.wait(r'❯ \[image my cat.png\] and @"two words.txt"')
        tty.send("\r")
        tty.wait("You said: ")
        tty.wait("the answer is 42")
    shown = cli("session", "show", "last", "--format", "json")
    assert '"image/png"' in shown.out and '"my cat.png"' in shown.out


def test_an_image_on_the_clipboard_is_put_in(cli: Cli) -> None:
    programs = cli.home / "bin"
    programs.mkdir()
    xclip = programs / "xclip"
    xclip.write_text(f'#!/bin/sh\ncase "$*" in *image/png*) cat {cli.home}/image;; esac\n')
    xclip.chmod(0o755)
    path = f"{programs}:{cli.env['PATH']}"
    with terminal(cli, "-m", cli.scenario([{"text": "I see."}]), PATH=path, DISPLAY=":9") as tty:
        idle(tty)
        tty.send("\x16")
        tty.wait("There is no image on the clipboard")
        (cli.home / "image").write_bytes(PNG)
        tty.send("\x16")
        tty.wait(r"❯ \[image clipboard-\w+\.png\]")
        tty.send("what is it?\r")
        tty.wait("I see")
    (kept,) = (cli.home / ".cache/mimocode/pasted").iterdir()
    assert kept.read_bytes() == PNG and kept.stat().st_mode & 0o777 == 0o600
    with terminal(cli, "-m", "scripted/hello", PATH=path) as tty:
        idle(tty)
        paste(tty, "")  # as terminals do whose clipboard holds no text
        tty.wait("No program hands out the clipboard")


def test_a_clipboard_is_only_asked_where_there_is_one(tmp_path: Path) -> None:
    for name in clipboard.PROGRAMS:
        (tmp_path / name).write_text("#!/bin/sh\necho no image\n")
        (tmp_path / name).chmod(0o755)
    path = str(tmp_path)
    assert clipboard.programs({"PATH": path}) == ["pngpaste"]
    assert clipboard.programs({"PATH": path, "DISPLAY": ":0", "WAYLAND_DISPLAY": "w"}) == [
        "wl-paste",
        "xclip",
        "pngpaste",
    ]
    assert clipboard.image({"PATH": path}) == b""


def test_resources_and_skills_are_completed_and_the_health_of_servers_is_seen(cli: Cli) -> None:
    odd = {"type": "local", "command": [sys.executable, str(Path(__file__).parents[3] / "support/odd_server.py")]}
    cli.settings(mcp={"odd": odd, "gone": {"type": "local", "command": ["/nowhere/at-all"]}})
    with terminal(cli, "-m", cli.scenario([{"text": "You said: ${prompt}"}]), columns=120, rows=40) as tty:
        idle(tty)
        tty.send("hello\r")
        tty.wait("You said: hello")
        tty.wait(lambda tty: "MCP: 1 failing" in tty.lines[-1])
        idle(tty)
        tty.send("read @today")
        tty.wait("odd:note://today +What is on. \\(odd\\)")
        tty.send("\t")
        tty.wait("❯ read @odd:note://today")
        tty.send("with /tdd")
        tty.wait("/compose:tdd +Red, green")
        tty.send("\t")
        tty.wait("❯ read @odd:note://today with /compose:tdd")
        tty.send("and /tm\r")
        tty.wait("You said: read @odd:note://today with /compose:tdd and /tm")
        tty.wait("Nothing is on.")
        assert "❯ read @odd:note://today with /compose:tdd and /tm\n\nYou said" in tty.text
