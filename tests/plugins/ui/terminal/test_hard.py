"""What breaks terminals elsewhere: small and changing sizes, endless output, hostile text, long pastes, waiting."""

from __future__ import annotations

import os
import re
import signal
import sys
import termios
from pathlib import Path

import pytest

from support.cli import Cli
from support.tty import Tty, terminal

PROMPT = "Say what to do"
EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x1b[31mred\x9b31m\u202egnp"
SERVER = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("evil", log_level="ERROR")
evil = {evil!r}
server.tool(name="evil", description=evil, structured_output=False)(lambda: evil)
server.prompt(name="greet", description=evil)(lambda: evil)
server.resource("note://evil", name="evil", description=evil)(lambda: evil)
server.run()
"""
PROSE = "Some words of prose with 漢字漢字 and 👍 in it that go on for a while so that they wrap.\n\n- item one\n- item two\n\n```py\nx = 1\ny = 2\n```\n\nThe end."


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


def ready(tty: Tty) -> None:
    """Wait for the prompt and the session."""
    tty.wait(lambda tty: "❯" in tty.text and "build" in tty.lines[-1])


def done(tty: Tty, words: str) -> None:
    """Wait until these words are there and the agent is idle."""
    tty.wait(lambda tty: words in tty.text and "esc interrupts" not in tty.text and "❯" in "".join(tty.lines[-3:]))


@pytest.mark.parametrize(("columns", "rows"), [(40, 12), (60, 20), (80, 24), (120, 40), (200, 50)])
def test_at_any_size_everything_is_printed_once_and_nothing_is_left_behind(cli: Cli, columns: int, rows: int) -> None:
    from mimocode_plugins.ui.shown.look import Look
    from mimocode_plugins.ui.shown.prose import prose

    model = cli.scenario([{"text": PROSE}], pace=0.01)
    with terminal(cli, "chat", "-m", model, columns=columns, rows=rows, NO_COLOR="1") as tty:
        ready(tty)
        tty.send("go\r")
        done(tty, "The end.")
        tty.send("\x04")
        assert tty.end() == 0
        printed = [line.replace(" ", "") for line in tty.text.splitlines()]  # pyte shows wide letters with a blank
        wanted = [line.replace(" ", "") for line in ["❯ go", "", *prose(PROSE, Look(columns))]]
        assert printed[: len(wanted)] == wanted
        assert not re.search(rb"\x1b\[(\d+;)*(3[0-8]|9[0-7])(;\d+)*m", tty.raw)


def test_a_storm_of_resizes_in_the_middle_of_a_stream(cli: Cli) -> None:
    text = " ".join(f"w{number}" for number in range(150)) + "\n\nSecond paragraph.\n\nThe end."
    with terminal(cli, "chat", "-m", cli.scenario([{"text": text}], pace=0.01), columns=80, rows=24) as tty:
        ready(tty)
        tty.send("go\r")
        for columns, rows in [(60, 20), (100, 30), (41, 10), (80, 24), (120, 50), (80, 24)] * 2:
            tty.wait("w1")
            tty.resize(columns, rows)
            tty.read(0.05)
        done(tty, "The end.")
        tty.send("typed")
        tty.wait("❯ typed")
        assert tty.lines[-2].startswith("❯ typed") and "build" in tty.lines[-1]
        assert tty.text.count("Second paragraph.") == 1


def test_hostile_text_is_shown_and_never_obeyed(cli: Cli) -> None:
    (cli.project / "evil.txt").write_text(EVIL)
    (cli.project / "na\x1b[2Jme.txt").write_text("x")
    steps = [
        {
            "reasoning": EVIL,
            "text": f"{EVIL} `{EVIL}`\n\n```\n{EVIL}\n```\n",
            "calls": [{"name": "bash", "arguments": {"command": "cat evil.txt; ls; false"}}],
        },
        {"calls": [{"name": "bash", "arguments": {"command": f"echo {EVIL}\u200b"}}]},
        {"text": "The end."},
    ]
    cli.settings(permission={"bash": {"*": "ask", "cat *": "allow", "ls*": "allow", "false": "allow"}})
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--prompt", "/thinking") as tty:
        ready(tty)
        tty.send("/details\r")
        tty.wait("with details")
        tty.send("go\r")
        tty.wait("y once")
        tty.send("y")
        tty.wait(lambda tty: "\\u{200b}" in tty.text and "\\u{202e}" in tty.text and "y once" in tty.text)
        tty.send("y")
        done(tty, "The end.")
        tty.send("@na\t")
        tty.quiet(0.3)
    for never in (b"\x1b]52", b"\x1b[2J", b"\x9b31m", "\u202e".encode(), "\u200b".encode()):
        assert never not in tty.raw


def test_what_servers_say_of_themselves_is_shown_and_never_obeyed(cli: Cli) -> None:
    server = cli.project / "server.py"
    server.write_text(SERVER.format(evil=EVIL))
    cli.settings(mcp={"evil": {"type": "local", "command": [sys.executable, str(server)]}})
    with terminal(
        cli, "chat", "-m", cli.scenario([{"text": "The end."}]), "--prompt", "go", columns=100, rows=50
    ) as tty:
        done(tty, "The end.")
        tty.send("/mcps \r")
        tty.wait("✓ 1 tool")
        tty.send("@note")
        tty.wait("note://evil +.*52;c")
        tty.send("\t\r")
        tty.wait("❯ @evil:note://evil")
        done(tty, "The end.")
    for never in (b"\x1b]52", b"\x1b[2J", b"\x9b31m", "\u202e".encode()):
        assert never not in tty.raw


def test_output_that_is_no_text_is_shown_as_far_as_it_is(cli: Cli) -> None:
    command = "printf 'a\\377\\376b\\303\\050\\nnext\\0line\\n'; false"
    steps = [{"calls": [{"name": "bash", "arguments": {"command": command}}]}, {"text": "The end."}]
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--yolo", "--prompt", "go") as tty:
        done(tty, "The end.")
        tty.send("/details \r")
        tty.wait("next.line")
        assert re.search("  a\ufffd+b\ufffd\\(", tty.text)
        tty.send("!printf 'x\\377y\\n'\r")
        tty.wait("x\ufffdy")


@pytest.mark.parametrize(("columns", "rows"), [(40, 12), (80, 24), (200, 50)])
def test_no_finished_line_is_written_twice(cli: Cli, columns: int, rows: int) -> None:
    lines = [f"line {number} of it" for number in range(60)]
    calls = [{"name": "bash", "arguments": {"command": f"echo {word}"}} for word in ("eins", "zwei")]
    steps = [
        {"text": "\n\n".join(lines), "calls": calls, "pace": 0.002},
        {
            "text": "```\n" + "\n".join(f"code {number} of it" for number in range(60)) + "\n```\n\nThe end.",
            "pace": 0.002,
        },
    ]
    with terminal(
        cli, "chat", "-m", cli.scenario(steps), "--yolo", "--prompt", "go", columns=columns, rows=rows
    ) as tty:
        done(tty, "The end.")
        shown = tty.text.splitlines()
        wanted = [*lines, *(f"  code {number} of it" for number in range(60))]
        assert [line for line in shown if line in wanted] == wanted
        assert [sum(line.startswith(f"$ echo {word}") for line in shown) for word in ("eins", "zwei")] == [1, 1]
        assert b"\x1b[2J" not in tty.raw and b"\x1b[3J" not in tty.raw


def test_output_without_end_stays_short_on_the_screen(cli: Cli) -> None:
    command = "i=0; while [ $i -lt 10000 ]; do echo line $i; i=$((i+1)); done"
    steps = [{"calls": [{"name": "bash", "arguments": {"command": command}}]}, {"text": "The end."}]
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--yolo", "--prompt", "go") as tty:
        done(tty, "The end.")
        assert len(tty.text.splitlines()) < 30
        assert len(tty.raw) < 100_000


def test_an_answer_of_ten_thousand_lines_is_whole_and_in_order(cli: Cli) -> None:
    lines = [f"- item {number}" for number in range(5_000)] + [f"x{number} = {number}" for number in range(5_000)]
    text = "\n".join([*lines[:5_000], "", "```python", *lines[5_000:], "```", "", "The end."])
    with terminal(cli, "-m", cli.scenario([{"text": text}]), "--prompt", "go", NO_COLOR="1") as tty:
        ready(tty)
        tty.wait(lambda tty: b"The end." in tty.raw)  # to look at all rows each time takes too long
        done(tty, "The end.")
        shown = [line.strip().replace("•", "-") for line in tty.text.splitlines()]
        assert [line for line in shown if line.startswith(("- item", "x"))] == lines


def test_a_megabyte_is_pasted(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "Got it."}])) as tty:
        ready(tty)
        tty.send(b"\x1b[200~" + b"0123456789abcdef\r\n" * 60_000 + b"\x1b[201~")
        tty.wait(r"\[Pasted #1: 60001 lines\]")
        tty.send("\x15short\r")
        done(tty, "Got it.")


def test_invalid_utf8_is_no_catastrophe(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        tty.send(b"a\xff\xfeb\r")
        done(tty, "Hello. I am")


def test_waiting_costs_nothing(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        tty.quiet(1.0)
        before, written = _cpu(tty.pid), len(tty.raw)
        tty.read(3.0)
        assert len(tty.raw) == written
        assert _cpu(tty.pid) - before <= 0.05


def test_letters_typed_when_a_question_comes_up_are_no_answer(cli: Cli) -> None:
    cli.settings(permission={"bash": "ask"})
    steps = [{"delay": 0.3, "calls": [{"name": "bash", "arguments": {"command": "touch made"}}]}, {"text": "The end."}]
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("Waiting for the model")
        for letter in "yyyyyyyyyyyyyyyyyyyyyyyy":
            tty.send(letter)
            tty.read(0.05)
        tty.wait("y once")
        assert not (cli.project / "made").exists()
        tty.send("n")
        done(tty, "The end.")
        assert "❯ yyyyyyyy" in tty.text
        assert not (cli.project / "made").exists()


def test_a_question_that_is_too_long_for_the_screen_is_whole_in_the_scrollback(cli: Cli) -> None:
    cli.settings(permission={"bash": "ask"})
    command = "\n".join(f"echo {number}" for number in range(40))
    steps = [{"calls": [{"name": "bash", "arguments": {"command": command}}]}, {"text": "The end."}]
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--prompt", "go", columns=40, rows=12) as tty:
        tty.wait(lambda tty: "y once" in "\n".join(tty.lines))
        assert re.search("\n".join(rf" +(\$ )?echo {number}" for number in range(40)), tty.text)
        assert "more than fits" in tty.text
        tty.send("y")
        done(tty, "The end.")


def test_an_edit_is_approved_by_its_diff(cli: Cli) -> None:
    cli.settings(permission={"edit": "ask"})
    (cli.project / "a.py").write_text("x = 1\n")
    change = {"file_path": "a.py", "old_string": "x = 1", "new_string": "x = 2"}
    steps = [
        {"calls": [{"name": "read", "arguments": {"file_path": "a.py"}}]},
        {"calls": [{"name": "edit", "arguments": change}]},
        {"text": "The end."},
    ]
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("y once")
        assert "  -x = 1" in tty.lines and "  +x = 2" in tty.lines
        tty.send("n")
        done(tty, "The end.")
    assert (cli.project / "a.py").read_text() == "x = 1\n"


def test_who_was_stopped_by_somebody_else_takes_the_terminal_again(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        os.kill(tty.pid, signal.SIGSTOP)
        os.waitpid(tty.pid, os.WUNTRACED)
        modes = termios.tcgetattr(tty._handle)
        modes[3] |= termios.ICANON | termios.ECHO  # as a shell sets it for itself
        termios.tcsetattr(tty._handle, termios.TCSANOW, modes)
        drawn = len(tty.raw)
        os.kill(tty.pid, signal.SIGCONT)
        tty.wait(lambda tty: b"Say what to do" in tty.raw[drawn:])
        tty.send("hello")
        tty.wait("❯ hello")


def test_sigterm_gives_the_terminal_back(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        os.kill(tty.pid, 15)
        assert tty.end() == 0
        assert tty.raw.rindex(b"\x1b[?2004l") > tty.raw.rindex(b"\x1b[?2004h")
        assert PROMPT not in tty.text


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_word_costs_a_few_bytes_and_a_frame_stays_small(cli: Cli) -> None:
    words = " ".join(f"word{number}" for number in range(200))
    with terminal(cli, "chat", "-m", cli.scenario([{"text": words}], pace=0.005)) as tty:
        ready(tty)
        before, frames = len(tty.raw), tty.raw.count(b"\x1b[?2026h")
        tty.send("go\r")
        done(tty, "word199")
        written, drawn = len(tty.raw) - before, tty.raw.count(b"\x1b[?2026h") - frames
        assert written <= 4 * len(words) + 600 * drawn
        assert tty.text.count("word42 ") == 1
