"""`mimo run` as scripts and people meet it: what arrives, what is printed where, how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli

ECHO = [{"text": "${prompt}"}]


def bash(command: str, **more: Any) -> dict[str, Any]:
    """A step in which the model runs a command."""
    return {"calls": [{"name": "bash", "arguments": {"command": command, "description": "Work"}}], **more}


def wait_for(found: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
    """Wait until something is true, or fail with what the process said when it ended before."""
    until = time.monotonic() + 90
    while not found():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            raise AssertionError(process.communicate()[1].decode())
        time.sleep(0.02)


# -- what arrives -------------------------------------------------------------


def test_the_message_arrives_exactly_as_typed(cli: Cli) -> None:
    done = cli("run", "fix", "-m", cli.scenario(ECHO), 'the  "bug"', "--", "-x", "--", "now")
    assert (done.out, done.code) == ('fix the  "bug" -x -- now\n', 0)


def test_piped_input_follows_the_message(cli: Cli) -> None:
    model = cli.scenario(ECHO)
    assert cli("run", "-m", model, "explain", stdin=b"line 1\nline 2\n").out == "explain\nline 1\nline 2\n"
    assert cli("run", "-m", model, stdin=b"only this").out == "only this\n"
    assert cli("run", "-m", model, "nothing piped").out == "nothing piped\n"


def test_an_open_pipe_in_which_nothing_comes_does_not_hold_up_the_run(cli: Cli) -> None:
    reader, writer = os.pipe()
    try:
        done = cli("run", "-m", cli.scenario(ECHO), "hi", stdin=reader)
    finally:
        os.close(reader)
        os.close(writer)
    assert (done.out, done.code) == ("hi\n", 0)
    assert "not read" in done.err


def test_files_are_sent_along(cli: Cli) -> None:
    (cli.project / "notes.txt").write_text("remember\n")
    done = cli("run", "-m", cli.scenario(ECHO), "read", "-f", "notes.txt")
    assert done.out == f'read\n\n<file path="{cli.project}/notes.txt">\nremember\n\n</file>\n'


# -- the work -----------------------------------------------------------------


def test_a_job_shows_its_steps_on_stderr_and_its_answer_on_stdout(cli: Cli) -> None:
    (cli.project / "app.py").write_text("answer = 41\n")
    edit = {"file_path": "app.py", "old_string": "41", "new_string": "42"}
    job = [
        {"text": "I look.", "calls": [{"name": "read", "arguments": {"file_path": "app.py"}}]},
        {"calls": [{"name": "edit", "arguments": edit}]},
        bash("python3 -c 'import app; print(app.answer)'; printf '\\033[2J'"),
        {"text": "It is 42 now."},
    ]
    done = cli("run", "-m", cli.scenario(job), "correct the answer")
    assert (done.code, done.out) == (0, "It is 42 now.\n")
    assert (cli.project / "app.py").read_text() == "answer = 42\n"
    shown = done.err.splitlines()
    assert shown[0].startswith("> ") and " · scripted/" in shown[0] and " · ses_" in shown[0]
    for line in ("I look.", "→ Read app.py", "← Edit app.py", "  -answer = 41", "  +answer = 42", "  42"):
        assert line in shown
    assert "␛[2J" in done.err and "\x1b" not in done.err


def test_json_lines_on_stdout_and_nothing_else(cli: Cli) -> None:
    job = [bash("echo hello", reasoning="Say hello first."), {"text": "Done."}]
    done = cli("run", "-m", cli.scenario(job), "--format", "json", "--thinking", "hi")
    kinds = ["step_start", "reasoning", "tool_use", "step_finish", "step_start", "text", "step_finish"]
    assert [line["type"] for line in done.lines] == kinds
    tool = done.lines[2]["part"]
    assert (tool["tool"], tool["state"]["status"], tool["state"]["input"]["command"]) == (
        "bash",
        "completed",
        "echo hello",
    )
    assert "hello" in tool["state"]["output"]
    assert len({line["sessionID"] for line in done.lines}) == 1
    assert len({line["part"]["id"] for line in done.lines}) == len(done.lines)
    assert len({line["part"]["messageID"] for line in done.lines}) == 2


def test_the_process_ends_soon_after_its_last_line(cli: Cli) -> None:
    process = cli.start("run", "-m", cli.scenario([{"text": "Done."}]), "--format", "json", "hi")
    assert process.stdout and process.stderr
    last = process.stdout.readlines()[-1]
    process.wait(10)
    ended = time.time()
    process.stderr.close()
    process.stdout.close()
    assert ended - json.loads(last)["timestamp"] / 1000 < 1


# -- nobody is there to ask ---------------------------------------------------


def test_what_would_be_asked_is_refused_and_the_model_is_told(cli: Cli) -> None:
    cli.settings(permission={"bash": "ask"})
    model = cli.scenario([bash("touch made"), {"text": "${result}"}])
    done = cli("run", "-m", model, "make it")
    assert done.code == 0 and not (cli.project / "made").exists()
    assert "Nobody is there to approve it" in done.out
    assert "! Refused: touch made" in done.err and "--yolo" in done.err and '"touch *": "allow"' in done.err


def test_yolo_allows_it_but_not_what_destroys(cli: Cli) -> None:
    cli.settings(permission={"bash": "ask"})
    (cli.project / "kept").mkdir()
    done = cli("run", "--yolo", "-m", cli.scenario([bash("touch made"), bash("rm -rf kept"), {"text": "ok"}]), "go")
    assert done.code == 0
    assert (cli.project / "made").exists() and (cli.project / "kept").exists()
    assert "! Refused: rm -rf kept" in done.err


# -- how it ends --------------------------------------------------------------


def test_exit_codes_and_sentences(cli: Cli) -> None:
    broken = cli.scenario([{"text": "Well", "error": {"fault": "credential", "message": "The key was refused."}}])
    busy = cli.scenario([bash("true"), bash("true"), {"text": "ok"}])
    ok = cli.scenario([{"text": "ok"}])
    for words, code, sentence in [
        (["-m", ok, "-c", "hi"], 2, "there is no session in"),
        (["-m", broken, "hi"], 1, "The key was refused."),
        (["-m", busy, "--max-steps", "1", "hi"], 3, "limit of steps for this turn: 1"),
        (["-m", ok, "--budget", "5", "hi"], 3, "budget"),
        (["-m", ok], 2, "there is no message"),
        (["hi"], 1, "no model is configured"),
        (["-m", ok, "-s", "ses_nope", "hi"], 2, "there is no session 'ses_nope'"),
        (["-m", ok, "--fork", "hi"], 2, "--fork"),
        (["-m", ok, "-f", "missing", "hi"], 2, "--file missing: No such file"),
        (["-m", ok, "--budget", "lots", "hi"], 2, "--budget"),
        (["-m", ok, "--agent", "nobody", "hi"], 2, "there is no agent 'nobody'"),
        (["-m", ok, "--command", "nothing", "hi"], 2, "there is no command 'nothing'"),
        (["-m", ok, "--nonsense", "hi"], 2, "unrecognized arguments: --nonsense; see `mimo run --help`"),
    ]:
        done = cli("run", *words)
        assert (done.code, done.out) == (code, ""), (words, done.err)
        assert sentence in done.err and "Traceback" not in done.err


def test_closed_standard_streams_are_nobodys_trouble(cli: Cli) -> None:
    ok = cli.scenario([{"text": "ok"}])
    closed = 'exec "$0" -m mimocode.main "$@" <&- >&-'
    for words, code, said in [
        (("run", "-m", ok, "hi"), 0, "> build"),
        (("session", "list"), 0, ""),
        ((), 2, "terminal"),
    ]:
        command = ["sh", "-c", closed, sys.executable, *words]
        done = subprocess.run(command, cwd=cli.project, env=cli.env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (code, "") and said in done.stderr and "Traceback" not in done.stderr


def test_errors_before_the_session_are_lines_in_json_mode_too(cli: Cli) -> None:
    done = cli("run", "--format", "json", "-s", "ses_nope", "hi")
    assert done.code == 2
    assert [(line["type"], line["error"]["name"]) for line in done.lines] == [("error", "UsageError")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_work_and_the_session_goes_on_later(cli: Cli, number: signal.Signals) -> None:
    process = cli.start("run", "-m", cli.scenario([bash("touch started; exec sleep 61")]), "hi")
    wait_for((cli.project / "started").exists, process)
    process.send_signal(number)
    began = time.monotonic()
    out, err = process.communicate(timeout=40)
    assert (process.returncode, out) == (130, b"")
    assert time.monotonic() - began < 30
    assert b"Traceback" not in err
    after = cli("run", "--continue", "-m", cli.scenario([{"text": "${prompt}"}]), "still there?")
    assert (after.code, after.out) == (0, "still there?\n")


STUBBORN = """
import asyncio
from mimocode import hookimpl

@hookimpl
async def before_stop(session):
    open("stubborn", "w").close()
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            open("asked", "w").close()
"""


def test_a_second_signal_ends_at_once(cli: Cli) -> None:
    cli.plugin("stubborn", STUBBORN)
    process = cli.start("run", "-m", cli.scenario([{"text": "ok"}]), "hi")
    wait_for((cli.project / "stubborn").exists, process)
    process.send_signal(signal.SIGINT)
    wait_for((cli.project / "asked").exists, process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_reader_that_goes_away_ends_the_run_quietly(cli: Cli) -> None:
    job = [bash("true"), bash("touch late; exec sleep 30"), {"text": "ok"}]
    process = cli.start("run", "--format", "json", "-m", cli.scenario(job), "hi")
    assert process.stdout and process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 141
    assert b"Error" not in process.stderr.read()
    process.stderr.close()


# -- sessions -----------------------------------------------------------------


def sessions(cli: Cli) -> list[dict[str, Any]]:
    """What `mimo session list` knows."""
    listed: list[dict[str, Any]] = json.loads(cli("session", "list", "--format", "json").out or "[]")
    return listed


def test_continue_goes_on_and_fork_goes_on_in_a_copy(cli: Cli) -> None:
    model = cli.scenario(ECHO)
    assert cli("run", "-m", model, "--title", "", "one " * 20).code == 0
    [first] = sessions(cli)
    assert first["title"] == ("one " * 20)[:50].strip() + "..." or first["title"] == ("one " * 20)[:50] + "..."
    assert cli("run", "-c", "two").out == "two\n"
    assert [session["id"] for session in sessions(cli)] == [first["id"]]
    assert cli("run", "-s", first["id"], "--fork", "--title", "Copy", "three").out == "three\n"
    assert {session["title"] for session in sessions(cli)} == {first["title"], "Copy"}


def test_dir_works_elsewhere(cli: Cli) -> None:
    (cli.project / "sub").mkdir()
    assert cli("run", "--dir", "sub", "-m", cli.scenario([bash("pwd > here"), {"text": "ok"}]), "hi").code == 0
    assert Path((cli.project / "sub/here").read_text().strip()) == cli.project / "sub"


COMMANDS = """
from mimocode import Command, hookimpl

async def greet(arguments, session):
    return f"Greet {arguments}."

async def quiet(arguments, session):
    await session.notice("quiet", "that was all")

@hookimpl
def register_commands():
    return [Command("greet", "Greet", greet), Command("quiet", "Say nothing", quiet)]
"""


def test_commands_by_flag_and_as_typed(cli: Cli) -> None:
    cli.plugin("greetings", COMMANDS)
    model = cli.scenario(ECHO)
    assert cli("run", "-m", model, "--command", "greet", "Ada", "Lovelace").out == "Greet Ada Lovelace.\n"
    assert cli("run", "-m", model, "/greet Ada").out == "Greet Ada.\n"
    assert cli("run", "-m", model, "/usr/bin/x is broken").out == "/usr/bin/x is broken\n"
    done = cli("run", "-m", model, "--command", "quiet")
    assert (done.code, done.out) == (0, "") and "quiet: that was all" in done.err


def test_a_new_session_is_called_by_its_first_message(cli: Cli) -> None:
    model = cli.scenario(ECHO)
    assert cli("run", "-m", model, "find the bug").code == 0
    assert cli("run", "-m", model, "--continue", "and another").code == 0
    assert [session["title"] for session in sessions(cli)] == ["find the bug"]


def test_what_was_left_out_is_said_in_a_new_session_and_in_one_that_goes_on(cli: Cli) -> None:
    for kind, name, text in (("skills", "a/SKILL.md", "No description."), ("commands", "b.md", "---\n[\n---\n")):
        file = cli.home / ".config/mimocode" / kind / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    model = cli.scenario([{"text": "ok"}])
    for words in (["hi"], ["--continue", "again"]):
        done = cli("run", "-m", model, *words)
        assert (done.code, done.out) == (0, "ok\n"), done.err
        assert [line.split(":")[0] for line in done.err.splitlines() if "left out" in line] == ["skills", "commands"]
