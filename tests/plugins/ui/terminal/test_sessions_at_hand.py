"""Sessions from inside: `mimo` with options alone, the picker with its preview, the timeline, asking aside, questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mimocode.errors import UsageError
from mimocode_plugins.ui.terminal.alone import meant
from support.cli import Cli
from support.tty import Tty, terminal

COMMANDS = {"chat", "run", "session"}


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a home and a project of its own."""
    return Cli(tmp_path)


def idle(tty: Tty) -> None:
    """Wait until the prompt is empty and nothing runs."""
    tty.wait(lambda tty: "Say what to do" in "".join(tty.lines[-2:]) and "esc interrupts" not in tty.text)


def turns(cli: Cli, *answers: str) -> str:
    """A model that answers one turn after the other."""
    path = cli.home / "turns.json"
    path.write_text(json.dumps({"turns": [[{"text": answer}] for answer in answers]}))
    return f"scripted/{path}"


def test_what_was_taken_back_stays_in_the_log_when_one_leaves(cli: Cli) -> None:
    """So that it can be put back tomorrow, and what was run is still in the audit."""
    steps = [{"calls": [{"name": "write", "arguments": {"file_path": "a.txt", "content": "x"}}]}, {"text": "Done."}]
    with terminal(cli, "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("Done")
        idle(tty)
        tty.send("/undo\r")
        tty.wait("/redo puts it back")
        tty.send("\x15\x0b")
        idle(tty)
        tty.send("\x04")
        tty.wait("Go on with: mimo -s ses_")
        assert tty.end() == 0
    assert [act["what"] for act in cli("audit", "--json").lines] == [["a.txt"]]
    assert not (cli.project / "a.txt").exists()
    assert cli("redo", "--yes").code == 0
    assert (cli.project / "a.txt").exists()


@pytest.mark.parametrize(
    ("words", "understood"),
    [
        ([], []),
        (["run", "hi"], ["run", "hi"]),
        (["-c"], ["chat", "-c"]),
        (["--model", "a/b", "--fork", "-s", "x"], ["chat", "--model", "a/b", "--fork", "-s", "x"]),
        (["--pure", "--log-level", "DEBUG", "-c"], ["--pure", "--log-level", "DEBUG", "chat", "-c"]),
        (["--log-level=INFO", "session", "list"], ["--log-level=INFO", "session", "list"]),
        (["--help"], ["--help"]),
        (["/"], ["chat", "/"]),
    ],
)
def test_what_mimo_alone_means(words: list[str], understood: list[str]) -> None:
    assert meant(words, COMMANDS) == understood


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("rum", "there is no command 'rum'; did you mean run?"),
        ("xyzzy", "there is no command 'xyzzy'; see `mimo --help`"),
        ("./nowhere", "there is no directory ./nowhere; `mimo DIRECTORY` begins to talk in one."),
        (
            "fix the bug",
            '\'fix the bug\' is no command; to say it: mimo run "...", or mimo --prompt "..." to stay and talk.',
        ),
    ],
)
def test_what_mimo_does_not_understand(word: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        meant([word], COMMANDS)
    assert str(raised.value) == said


def test_mimo_with_options_alone_talks_and_goes_on(cli: Cli) -> None:
    model = turns(cli, "First answer.", "Second answer.")
    with terminal(cli, "--model", model, "--prompt", "first question", "--agent", "plan") as tty:
        tty.wait("First answer")
        tty.wait(lambda tty: tty.lines[-1].startswith("  plan · "))
        idle(tty)
        tty.send("\x04")
        tty.wait("Go on with: mimo -s ses_")
        assert tty.end() == 0
    with terminal(cli, "-c", "--fork", "-m", model) as tty:
        tty.wait("Going on with")
        tty.wait(lambda tty: {"❯ first question", "First answer."} <= set(tty.lines))
        idle(tty)
        tty.send("second question\r")
        tty.wait("Second answer")
    listed = json.loads(cli("session", "list", "--format", "json").out)
    assert len(listed) == 2


def test_the_picker_previews_searches_copies_and_deletes(cli: Cli) -> None:
    for words in ("about apples", "about pears"):
        assert cli("run", "-m", turns(cli, f"An answer {words}."), "--title", words, words).code == 0
    with terminal(cli, "-m", "scripted/hello", columns=100, rows=40) as tty:
        idle(tty)
        tty.send("/sessions\r")
        tty.wait("│ An answer about pears")
        tty.send("appl")
        tty.wait(lambda tty: any("│ An answer about apples" in line for line in tty.lines))
        assert not any("pears" in line for line in tty.lines[-8:])
        tty.send("\x04")
        tty.wait("for good\\?")
        tty.send("yes\r")
        tty.wait("Deleted: about apples")
        tty.wait("Go on with")
        tty.send("\x06")
        tty.wait("Going on with")
        tty.wait("An answer about pears")
    titles = [one["title"] for one in json.loads(cli("session", "list", "--format", "json").out)]
    assert titles == ["about pears", "about pears"]


def test_a_session_that_is_open_elsewhere_is_refused_and_one_stays(cli: Cli) -> None:
    model = turns(cli, "One answer.", "Another answer.")
    with terminal(cli, "-m", model, "--prompt", "mine") as other, terminal(cli, "-m", model, columns=100) as tty:
        other.wait("One answer")
        idle(tty)
        for said in ("", "hello"):
            if said:
                tty.send(f"{said}\r")
                tty.wait("❯ hello\n\nOne answer")
                idle(tty)
            tty.send("/sessions\r")
            tty.wait(lambda tty: "  │ One answer." in tty.lines)
            tty.send("\r")
            tty.wait(lambda tty, times=1 + bool(said): tty.text.count("is open in another process") == times)
            idle(tty)
        assert tty.text.count("❯ hello") == 1
        tty.send("more\r")
        tty.wait("Another answer")


def test_nothing_that_leaves_a_session_cuts_its_work_short_unasked(cli: Cli) -> None:
    with terminal(cli, "-m", cli.scenario([{"text": "on " * 2000, "pace": 0.02}]), "--prompt", "go") as tty:
        tty.wait("on on on")
        tty.send("/new\r")
        tty.wait("Wait for the turn to end, or stop it with Esc.")
        tty.send("\x04")
        tty.wait("Ctrl-D again to exit")
        tty.send("\x04")
        assert tty.end() == 0


SLOW = """
import asyncio
from mimocode import Command, hookimpl

async def wait(arguments, session):
    await asyncio.Event().wait()

@hookimpl
async def register_commands():
    return [Command("slow", "never ends", wait)]
"""


def test_a_command_of_a_plugin_is_seen_at_work_and_stopped(cli: Cli) -> None:
    cli.plugin("slow", SLOW)
    with terminal(cli, "-m", cli.scenario([{"text": "You said: ${prompt}"}])) as tty:
        idle(tty)
        tty.send("/slow\r")
        tty.wait("/slow · 1 s · esc interrupts")
        tty.send("later\r")
        tty.wait("↳ later")
        tty.send("/new\r")
        tty.wait("Wait for the turn to end")
        tty.send("\x1b")
        tty.wait("/slow is stopped")
        tty.wait("❯ later")
        tty.send("\r")
        tty.wait("You said: later")


def test_the_timeline_goes_back_and_copies(cli: Cli) -> None:
    model = turns(cli, "First answer.", "Second answer.", "Third answer.")
    with terminal(cli, "-m", model, "--prompt", "question one", columns=100, rows=40) as tty:
        tty.wait("First answer")
        idle(tty)
        tty.send("question two\r")
        tty.wait("Second answer")
        idle(tty)
        tty.send("\x1b")
        tty.wait("Esc again for the timeline")
        tty.send("\x1b")
        tty.wait("Timeline: ▏")
        assert "│ Second answer." in "\n".join(tty.lines)
        tty.send("\r")
        tty.wait("go back to before this turn")
        tty.send("go on from\r")
        tty.wait("Going on with")
        idle(tty)
        assert tty.text.count("First answer.") == 2 and tty.text.count("Second answer.") == 1  # what stands, once
        assert "Taken back" not in tty.text
        tty.send("/timeline\r")
        tty.wait("❯   1  question one")
        tty.send("\r")
        tty.wait("go back to before")
        tty.send("go back\r")
        tty.wait("Taken back")
        tty.wait(lambda tty: "❯ question one" in tty.lines[-2])


def test_escape_twice_clears_the_prompt(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello") as tty:
        idle(tty)
        tty.send("half a thought")
        tty.wait("half a thought")
        tty.send("\x1b")
        tty.wait("Esc again to clear the prompt")
        tty.send(" and more")
        tty.wait("thought and more")
        tty.send("\x1b")  # typed since: the first one is forgotten
        tty.quiet(0.2)
        assert "❯ half a thought and more" in tty.lines
        tty.send("\x1b")
        idle(tty)


def test_what_is_asked_aside_is_answered_and_leaves_no_trace(cli: Cli) -> None:
    with terminal(cli, "-m", turns(cli, "First answer.", "By the way: 42.", "Second answer."), "--prompt", "go") as tty:
        tty.wait("First answer")
        idle(tty)
        tty.send("/btw what is six times seven?\r")
        tty.wait("│ By the way: 42.|│ First answer.")
        idle(tty)
    shown = cli("session", "show", "last").out
    assert "six times seven" not in shown


def test_questions_of_the_agent_are_chosen_marked_and_written(cli: Cli) -> None:
    questions = [
        {"question": "Which database?", "header": "Store", "options": [{"label": "SQLite"}, {"label": "Postgres", "description": "needs a server"}]},
        {"question": "Which checks?", "options": [{"label": "ruff"}, {"label": "mypy"}], "multiple": True},
        {"question": "What name?", "options": []},
    ]  # fmt: skip
    steps = [{"calls": [{"name": "question", "arguments": {"questions": questions}}]}, {"text": "${result}"}]
    with terminal(cli, "-m", cli.scenario(steps), "--prompt", "go", columns=100) as tty:
        tty.wait("enter answers")
        tty.wait("Postgres  needs a server")
        tty.send("post\r")
        tty.wait(lambda tty: "(2 of 3)" in tty.text and "enter answers" in "\n".join(tty.lines))
        tty.send(" ")
        tty.wait(r"\[x\] ruff")
        tty.send("\x0e ")
        tty.wait(r"\[x\] mypy")
        tty.send("\r")
        tty.wait(lambda tty: "(3 of 3)" in tty.text and "enter answers" in "\n".join(tty.lines))
        tty.send("Tally\r")
        tty.wait('"Which checks\\?" = "ruff, mypy"')
        assert '"Which database?" = "Postgres"' in tty.text
        assert '"What name?" = "Tally"' in tty.text


def test_a_question_that_is_declined(cli: Cli) -> None:
    steps = [
        {"calls": [{"name": "question", "arguments": {"questions": [{"question": "Sure?", "options": []}]}}]},
        {"text": "So not."},
    ]
    with terminal(cli, "-m", cli.scenario(steps), "--prompt", "go") as tty:
        tty.wait("enter answers")
        tty.send("\x1b")
        tty.wait("So not")


def test_commands_of_the_command_line_and_those_that_are_not_there(cli: Cli) -> None:
    with terminal(cli, "-m", "scripted/hello", columns=100, rows=50) as tty:
        idle(tty)
        tty.send("/plugins\r")
        tty.wait("! mimo plugins")
        tty.wait("ui.terminal")
        idle(tty)
        tty.send("/share\r")
        tty.wait("Sharing a session is not there yet")


def test_commands_of_the_user_find_what_the_users_path_finds(cli: Cli) -> None:
    """Also in an activated environment of the project, where nothing is looked for that we run ourselves."""
    programs = cli.project / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "mine").write_text("#!/bin/sh\necho found it\n")
    (programs / "mine").chmod(0o755)
    with terminal(cli, "-m", "scripted/hello", PATH=f"{programs}:{cli.env['PATH']}") as tty:
        idle(tty)
        tty.send("!mine\r")
        tty.wait("found it")


def test_a_session_with_a_model_of_its_own_goes_on_where_no_other_was_ever_chosen(cli: Cli) -> None:
    with terminal(cli, "-m", cli.scenario([{"text": "You said: ${prompt}"}])) as tty:
        tty.wait("build · ")
        tty.send("hello\r")
        tty.wait("You said: hello")
        idle(tty)
        tty.send("\x04")
        assert tty.end() == 0
    with terminal(cli, "-c") as tty:
        tty.wait("❯ hello")
        tty.wait("build · ")
        tty.send("again\r")
        tty.wait("You said: again")
        idle(tty)
        assert "Welcome" not in tty.text
        tty.send("\x04")
        assert tty.end() == 0
