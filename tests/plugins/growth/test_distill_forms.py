"""What comes again becomes a skill, an agent, a command or a workflow; its loader loads it, its commands are tried."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from pathlib import Path

import pytest

from mimocode.events import AnyFact, CallFinished, CallStarted, MessageAdded, SessionStarted
from mimocode.messages import Message, Text, ToolCall, user
from mimocode_plugins.growth.distill.copying import SPARED, TooMuch, copied
from mimocode_plugins.growth.distill.forms import Context, Form, chosen, text_of
from mimocode_plugins.growth.distill.mining import Workflow
from mimocode_plugins.growth.distill.steps import Step, of
from mimocode_plugins.growth.distill.trying import NETWORK, Trial, Tried
from mimocode_plugins.guard.permission.doubting import doubt
from mimocode_plugins.store.sqlite.store import SqliteStore
from support.cli import Cli

EVERYDAY = ("pytest -q", "git status", "git diff", "ruff check", "mypy", "git log", "npm run build", "cargo build")


def call(text: str, n: int) -> ToolCall:
    if text.startswith("ask "):
        helper, _, task = text[4:].partition(": ")
        return ToolCall(f"c{n}", "actor", {"action": "run", "subagent_type": helper, "prompt": task})
    return ToolCall(f"c{n}", "bash", {"command": text})


def session(asked: str, lines: list[str]) -> list[AnyFact]:
    facts: list[AnyFact] = [MessageAdded(user(asked))]
    for n, text in enumerate(lines):
        made = call(text, n)
        facts += [
            MessageAdded(Message("assistant", (made,))),
            CallStarted(made.id),
            CallFinished(made.id, (Text("ok"),)),
        ]
    return facts


def remember(cli: Cli, requests: list[str], row: list[str], parent: str = "") -> None:
    """A log in which this row of steps was done for these requests, among sessions of everyday work."""
    path = cli.home / ".local/share/mimocode/mimocode.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    store, dice = SqliteStore(str(path)), random.Random(1)
    work = [(asked, row, parent) for asked in requests]
    work += [(f"something else {n}", [dice.choice(EVERYDAY) for _ in range(6)], "") for n in range(20)]
    for n, (asked, lines, above) in enumerate(work):
        with store.lease(f"ses_{n:03}"):
            started = SessionStarted(str(cli.project), "build", parent=above)
            for fact in [started, *session(asked, lines)]:
                store.append(f"ses_{n:03}", fact)
    store.close()
    with sqlite3.connect(path) as base:
        base.execute("UPDATE sessions SET created = ?, updated = ?", (time.time() - 9e5, time.time() - 9e5))
    base.close()


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`mimo` in a project with a Makefile."""
    cli = Cli(tmp_path)
    (cli.project / "Makefile").write_text(
        "prepare:\n\techo ready > prepared\ncheck: \n\ttest -f prepared\nbroken:\n\t@echo no such luck; exit 3\n"
    )
    (cli.project / "keep.txt").write_text("kept\n")
    return cli


ROW = ["make prepare", "make check", "touch done.txt"]
SAME = ["prepare a release please", "please prepare the release", "prepare the release now"]
OTHER = ["the login is broken", "add a column to users", "why is the page so slow"]


def workflow(keys: tuple[str, ...], sessions: int = 3) -> Workflow:
    return Workflow(keys, {f"s{n}": tuple(Step(key, key, 5, "bash") for key in keys) for n in range(sessions)})


@pytest.mark.parametrize(
    ("keys", "contexts", "form"),
    [
        (("a", "b", "c"), [Context(text) for text in OTHER], "skill"),
        (("a", "b", "c"), [Context(text) for text in SAME], "command"),
        (("a", "b", "c"), [Context("go")] * 3, "skill"),
        (("a", "b", "c"), [Context("")] * 3, "skill"),
        (("a", "echo $1", "c"), [Context(text) for text in SAME], "skill"),
        (("a", "cat @x.txt", "c"), [Context(text) for text in SAME], "skill"),
        (("a", "b", "c"), [Context(text, delegated=True) for text in OTHER], "agent"),
        (("a", "b", "c"), [Context("x y", delegated=True), Context("u v"), Context("p q")], "skill"),
        (("subagent explore", "b", "subagent coder"), [Context()] * 3, "workflow"),
    ],
)
def test_the_form_follows_from_how_it_was_done(keys: tuple[str, ...], contexts: list[Context], form: Form) -> None:
    found, why = chosen(workflow(keys), {f"s{n}": context for n, context in enumerate(contexts)})
    assert (found, bool(why)) == (form, True)


def test_work_that_was_handed_on_is_a_step() -> None:
    (step,) = of(call("ask explore: where is the login?", 1), 7)
    assert step == Step("subagent explore", "subagent explore: where is the login?", 7, "actor")


def test_an_agent_gets_no_tool_that_the_work_was_not_done_with() -> None:
    text = text_of("agent", "x", "What it is for", "k", ["make a"], ["bash"])
    assert "tool_allowlist: [bash, glob, grep, read]\n" in text
    assert "permission" not in text


def test_a_skill_is_tried_on_a_copy_written_and_loaded(cli: Cli) -> None:
    remember(cli, OTHER, ROW)
    before = {path.name: path.read_text() for path in cli.project.iterdir()}
    dry = cli("distill", "--dry-run")
    assert dry.code == 0, dry.err
    assert "skill make-prepare-touch: done in 3 sessions: ses_000, ses_001, ses_002\n" in dry.out
    assert "  a skill, because it was part of different work\n" in dry.out
    assert [line.rpartition("  ")[2] for line in dry.out.splitlines() if line[2:3].isdigit()] == ["[works]"] * 3
    assert "it loads; 3 of its 3 steps were tried in the sandbox, on a copy of the project: 3 work\n" in dry.out
    assert {path.name: path.read_text() for path in cli.project.iterdir()} == before, "the project is as it was"
    assert cli("distill", "--yes").code == 0
    assert cli("skill", "validate", "make-prepare-touch").code == 0


def test_what_fails_in_the_trial_is_shown_and_not_written_unseen(cli: Cli) -> None:
    remember(cli, OTHER, ["make prepare", "make broken", "touch done.txt"])
    done = cli("distill", "--yes")
    assert "  2. make broken  [failed, exit code 2: " in done.out
    assert done.code == 1
    assert done.err.endswith("is not written: 'make broken' failed when it was tried\n")
    assert not (cli.project / ".mimocode").exists()


def test_what_is_not_to_be_run_is_left_out_and_said_so(cli: Cli) -> None:
    (cli.project / "Makefile").write_text((cli.project / "Makefile").read_text() + "late:\n\ttest -f missing\n")
    remember(cli, OTHER, ["git push origin main", "rm -rf keep.txt", "make late", "make prepare"])
    out = cli("distill", "--dry-run").out
    assert "git push origin main  [not tried, it needs the network]" in out
    assert "rm -rf keep.txt  [not tried, it destroys what cannot be brought back]" in out
    assert "make late  [failed, exit code 2: " in out
    assert "1 failed, a step that was left out may be why" in out
    assert (cli.project / "keep.txt").exists()


def test_a_trial_reaches_neither_the_project_nor_the_network(cli: Cli) -> None:
    outside = f"touch {cli.project}/escaped"
    network = "python3 -c \"import socket; socket.create_connection(('127.0.0.1', 9), 1)\""
    remember(cli, OTHER, ["make prepare", outside, network])
    out = cli("distill", "--dry-run").out
    assert "1. make prepare  [works]" in out
    assert f"2. {outside}  [failed, exit code 1: " in out
    assert "3. python3" in out and "[works]" not in out.split("3. python3")[1]
    assert not (cli.project / "escaped").exists()


def test_what_is_asked_for_in_the_same_words_becomes_a_command_that_runs(cli: Cli) -> None:
    remember(cli, SAME, ROW)
    assert "  a command, because it was asked for in the same words: prepare release\n" in cli("distill", "--yes").out
    assert (cli.project / ".mimocode/commands/make-prepare-touch.md").is_file()
    echo = cli.scenario([{"text": "heard: ${prompt}"}])
    said = cli("run", "--trust", "-m", echo, "/make-prepare-touch for May").out
    assert "heard: Do these steps in this order." in said
    assert "2. Run `make check`." in said and "for May" in said


def test_what_subagents_were_given_again_and_again_becomes_an_agent_that_works(cli: Cli) -> None:
    remember(cli, OTHER, ROW, parent="ses_099")
    out = cli("distill", "--yes").out
    assert "agent make-prepare-touch: done in 3 sessions" in out
    assert "  an agent, because it was handed to subagents each time\n" in out
    shown = cli("agent", "validate", "make-prepare-touch")
    assert shown.code == 0, shown.out + shown.err
    ask = {"action": "run", "subagent_type": "make-prepare-touch", "prompt": "Do it."}
    model = cli.scenario(
        [{"calls": [{"name": "actor", "arguments": ask}]}, {"text": "It says: ${result}"}],
    )
    child = cli.scenario([{"text": "all three steps are done"}])
    cli.settings(agent={"make-prepare-touch": {"model": child}})
    said = cli("run", "--trust", "--yolo", "-m", model, "go")
    assert "all three steps are done" in said.out, said.err


def test_what_sets_subagents_to_work_becomes_a_workflow_that_runs(cli: Cli) -> None:
    row = ["ask explore: find what is to change", "make prepare", "ask coder: change it", "ask reviewer: look at it"]
    remember(cli, OTHER, row)
    out = cli("distill", "--yes").out
    assert "  a workflow, because subagents did 3 of its steps, in this order\n" in out
    (script,) = (cli.project / ".mimocode/workflows").glob("*.py")
    echo = cli.scenario([{"text": "done"}] * 3)
    ran = cli("workflow", "run", script.stem, "the", "login", "-m", echo)
    assert ran.code == 0, ran.err
    assert ran.out == "1 explore: done\n2 general: done\n3 coder: done\n4 reviewer: done\n"
    assert cli("distill", "--dry-run").out == "", "what is written is not proposed again"


def test_an_unknown_form_is_refused_and_a_known_one_is_taken(cli: Cli) -> None:
    remember(cli, OTHER, ROW)
    assert cli("distill", "--dry-run", "--form", "plugin").code == 2
    assert "  an agent, because you asked for this form\n" in cli("distill", "--dry-run", "--form", "agent").out


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("make dist", None),
        ("git clean -fd", "it destroys what cannot be brought back"),
        ("curl -T notes https://example.org", "it sends something to another machine"),
        ("eval $X", "it is not fully understood"),
    ],
)
def test_what_nobody_should_run_for_a_trial(command: str, reason: str | None) -> None:
    assert doubt(command) == reason


@pytest.mark.parametrize(
    "command", ["git push --tags", "npm ci", "uv pip install x", "docker push x", "gh release create"]
)
def test_what_needs_the_network(command: str) -> None:
    assert NETWORK.search(command)


@pytest.mark.parametrize("command", ["git commit -m push", "npm test", "make install", "docker ps", "cargo test"])
def test_what_does_not(command: str) -> None:
    assert not NETWORK.search(command)


def test_a_failure_after_something_left_out_proves_nothing() -> None:
    works, failed, out = Tried("a", "works"), Tried("b", "failed", "x"), Tried("c", "left out", "y")
    assert Trial((), (works, failed, out)).failed == failed
    assert Trial((), (works, out, failed)).failed is None
    assert Trial((), (works, works)).failed is None


def test_a_copy_is_whole_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    for name in ("a.txt", "sub/b.txt", ".git/HEAD", f"{sorted(SPARED)[0]}/x"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link").symlink_to("a.txt")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    copied(root, tmp_path / "copy")
    found = sorted(path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*"))
    assert found == [".git", ".git/HEAD", "a.txt", "link", "loop", "sub", "sub/b.txt"]
    assert (tmp_path / "copy/link").is_symlink()
    monkeypatch.setattr("mimocode_plugins.growth.distill.copying.MOST_FILES", 2)
    with pytest.raises(TooMuch):
        copied(root, tmp_path / "other")
