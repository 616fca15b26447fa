"""The terminal as a person meets it: a real process on a real pseudo-terminal, seen through a virtual screen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.cli import Cli
from support.tty import Tty, terminal

PROMPT = "Say what to do"
WRITE = {"name": "write", "arguments": {"file_path": "hello.txt", "content": "hello\n"}}
COUNT = {"name": "bash", "arguments": {"command": "make things"}}


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


def ready(tty: Tty) -> None:
    """Wait for the prompt and the session."""
    tty.wait(lambda tty: PROMPT in tty.text and "build · " in tty.lines[-1])


def test_a_question_and_an_answer(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "Hello **there**.\n\n- one\n- two"}])) as tty:
        ready(tty)
        tty.send("say hello\r")
        tty.wait("• two")
        tty.wait(lambda tty: PROMPT in tty.text and "esc interrupts" not in tty.text)
        assert tty.lines[:6] == ["❯ say hello", "", "Hello there.", "", "• one", "• two"]
        tty.send("\x04")
        assert tty.end() == 0
        assert tty.lines[:6] == ["❯ say hello", "", "Hello there.", "", "• one", "• two"]
        assert tty.lines[-1].startswith("Go on with: mimo -s ses_")
        assert PROMPT not in tty.text


def test_nothing_is_cleared_and_no_other_screen_is_used(cli: Cli) -> None:
    words = " ".join(f"word{number}" for number in range(300))
    with terminal(cli, "chat", "-m", cli.scenario([{"text": f"{words}\n\n{words}"}], pace=0.001)) as tty:
        ready(tty)
        tty.send("go\r")
        tty.wait(lambda tty: tty.text.count("word299") == 2 and "esc interrupts" not in tty.text)
        tty.send("\x04")
        tty.end()
        assert tty.text.count("word7 ") == 2
        for never in (b"\x1b[2J", b"\x1b[3J", b"\x1b[?1049h", b"\x1b[?47h", b"\x1b[?1000h", b"\x1b[6n"):
            assert never not in tty.raw
        assert tty.raw.count(b"\x1b[?2026h") == tty.raw.count(b"\x1b[?2026l")


def test_an_approval_is_shown_whole_and_a_denial_with_a_message_reaches_the_agent(cli: Cli) -> None:
    steps = [{"calls": [COUNT]}, {"text": "I was told: ${result}"}]
    cli.settings(permission={"bash": "ask"})
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("y once")
        assert "  $ make things" in tty.lines
        assert any(line.startswith("  why ") for line in tty.lines)
        tty.send("m")
        tty.wait("why not\\?")
        assert "Enter denies it with these words · esc goes back" in tty.lines
        assert "why not?" in tty.lines and "Say what to do" not in tty.lines[-2]
        tty.send("use the script\r")
        tty.wait("I was told: Denied: use the script")


def test_once_and_for_the_session(cli: Cli) -> None:
    steps = [
        {"calls": [WRITE]},
        {"calls": [WRITE]},
        {"calls": [WRITE | {"arguments": {"file_path": "b", "content": ""}}]},
        {"text": "All three."},
    ]
    cli.settings(permission={"edit": "ask"})
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("y once")
        tty.send("y")
        tty.wait(lambda tty: "+hello" in tty.text and "y once" in tty.text)
        tty.send("s")
        tty.wait("All three|y once")
        tty.wait(lambda tty: "All three." in tty.text or (tty.send("s") or False))
    assert (cli.project / "hello.txt").read_text() == "hello\n"


def test_typing_while_it_works_is_shown_and_joins(cli: Cli) -> None:
    steps = [
        {"text": "slow " * 20, "pace": 0.05, "calls": [{"name": "glob", "arguments": {"pattern": "*"}}]},
        {"text": "You said: ${prompt}"},
    ]
    with terminal(cli, "chat", "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("slow slow")
        tty.send("and this\r")
        tty.wait("↳ and this")
        tty.wait(lambda tty: "❯ and this" in tty.lines)


def test_escape_interrupts_and_what_was_queued_comes_back(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "on " * 2000, "pace": 0.02}]), "--prompt", "go") as tty:
        tty.wait("on on on")
        tty.send("later\r")
        tty.wait("↳ later")
        tty.send("half a thought")
        tty.wait("❯ half a thought")
        tty.send("\x1b")
        tty.wait("■ Interrupted")
        tty.wait("❯ later\n  half a thought")


def test_ctrl_c_clears_then_warns_then_leaves(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        tty.send("half a thought")
        tty.wait("half a thought")
        tty.send("\x03")
        tty.wait(lambda tty: PROMPT in tty.text)
        tty.send("\x03")
        tty.wait("Ctrl-C again to exit")
        tty.send("\x03")
        assert tty.end() == 0
    assert "ses_" not in cli("session", "list", "--format", "json").out  # nobody said a word


def test_a_large_paste_is_a_marker_and_arrives_whole(cli: Cli) -> None:
    paste = "\n".join(f"line {number}" for number in range(50))
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "${prompt}"}])) as tty:
        ready(tty)
        tty.send(f"\x1b[200~{paste}\x1b[201~ what is this?")
        tty.wait(r"\[Pasted #1: 50 lines\] what is this\?")
        tty.send("\r")
        tty.wait("line 49 what is this")


def test_mentioned_files_go_along_and_git_decides_which_are_offered(cli: Cli) -> None:
    (cli.project / ".gitignore").write_text("secret*\n")
    (cli.project / "secrets.txt").write_text("x")
    (cli.project / "settings.py").write_text("ANSWER = 42\n")
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "${prompt}"}])) as tty:
        ready(tty)
        tty.send("look at @se")
        tty.wait("  @?settings.py")
        assert "secrets.txt" not in tty.text
        tty.send("\t")
        tty.wait("look at @settings.py")
        tty.send("\r")
        tty.wait("ANSWER = 42")
        assert "❯ look at @settings.py" in tty.text.splitlines()


def test_what_is_typed_whole_is_sent_although_the_list_is_still_there(cli: Cli) -> None:
    for name in ("notes.txt", "notes.txt.bak"):
        (cli.project / name).write_text("the answer is 42\n")
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "You said: ${prompt}"}])) as tty:
        ready(tty)
        tty.send("look at @notes.txt")
        tty.wait("  @?notes.txt.bak")
        tty.send("\r")
        tty.wait("You said: look at @notes.txt")


def test_a_shell_command_runs_and_goes_along(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", cli.scenario([{"text": "You ran: ${prompt}"}])) as tty:
        ready(tty)
        tty.send("!echo from the shell; false\r")
        tty.wait("exit code 1")
        tty.send("well?\r")
        tty.wait('You ran: <shell command="echo from')


def test_what_was_typed_is_found_again_in_the_next_session(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        tty.send("remember the alamo\r")
        tty.wait(lambda tty: "Hello. I am" in tty.text and "esc interrupts" not in tty.text)
        tty.send("\x04")
        tty.end()
    kept = (cli.home / ".local/state/mimocode/prompt-history.jsonl").read_text()
    assert [json.loads(line)["input"] for line in kept.splitlines()] == ["remember the alamo"]
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        tty.send("\x12")
        tty.send("alam")
        tty.wait("❯ remember the alamo")


def test_tab_changes_the_agent(cli: Cli) -> None:
    with terminal(cli, "chat", "-m", "scripted/hello") as tty:
        ready(tty)
        tty.send("\t")
        tty.wait("Agent: plan")
        tty.wait(lambda tty: tty.lines[-1].startswith("  plan · "))
