"""Tasks are a tree with strict transitions; they follow the log, and nobody stops with work left unsaid."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import Ruling, Say, ToolCall, Verdict, hookimpl
from mimocode.errors import ToolFailed
from mimocode.events import Rewind
from mimocode.session import Session
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.crew import tasks
from mimocode_plugins.crew.tasks import book, tree
from mimocode_plugins.crew.tasks.script import operations
from mimocode_plugins.crew.tasks.server import build
from support.catalogues import catalogue
from support.cli import Cli


class Yes:
    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


def call(script: str = "", **operation: Any) -> list[ToolCall]:
    return [ToolCall("t", "task", {"script": script} if script else {"operation": operation})]


async def turn(session: Session, text: str = "go") -> list[str]:
    """One turn; what was said in it."""
    before = len(talk(session))
    await session.submit(Say(text))
    await session.settled()
    return talk(session)[before:]


def grown(*scripts: str, owner: str = "me", main: bool = True) -> tree.Tree:
    """The tree after these commands."""
    notes: list[dict[str, Any]] = []
    for script in scripts:
        for operation in operations(None, script):
            notes += tree.plan(tree.tree(notes), operation, owner, 1.0, main=main)
    return tree.tree(notes)


async def test_both_forms_of_arguments_do_the_same(tmp_path: Path) -> None:
    lines = [
        call(action="create", summary="Fix the login"),
        call('task create "Write a test" --parent T1\ntask start T1.1\ntask done T1.1 "test_login fails as it should"'),
        [ToolCall("t", "task", {"operation": '{"action": "get", "id": "t1"}'})],
        call(action="abandon", id="T1", event_summary="not wanted"),
        "ok",
    ]
    async with play(*lines, plugins=[tasks, Yes()], directory=tmp_path) as session:
        said = [line.removeprefix("tool: ") for line in await turn(session) if line.startswith("tool: ")]
    assert said == [
        "T1 [open] Fix the login",
        "  T1.1 [open] Write a test\nT1 [in_progress] Fix the login\n  T1.1 [in_progress] Write a test\n"
        "  T1.1 [done] Write a test (test_login fails as it should)\nAll parts of T1 are over.",
        "T1 [in_progress] Fix the login\n  T1.1 [done] Write a test (test_login fails as it should)",
        "T1 [abandoned] Fix the login (not wanted)",
    ]


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("done T1 'x'", "T1 is open; done is not possible from there, but start, block, abandon."),
        ("start T1\ndone T1", "Say in event_summary how you know that T1 is done"),
        ("start T1\ncreate 'part' --parent T1\ndone T1 'x'", "T1 has unfinished parts: T1.1. Finish or abandon them."),
        ("abandon T1\nunblock T1", "T1 is abandoned; that is final."),
        ("abandon T1\nrename T1 'x'", "T1 is abandoned; what is over keeps its name."),
        ("abandon T1\ncreate 'x' --parent T1", "T1 is abandoned and gets no new parts"),
        ("unblock T1", "T1 is open; unblock is not possible from there"),
        ("start T1\nstart T1", "T1 is in_progress; start is not possible"),
        ("start T9", "There is no task 'T9'; there are: T1."),
        ("create ''", "A task needs a summary"),
        ("dance T1", "There is no action 'dance'"),
        ("create 'open quote", "This line cannot be read"),
    ],
)
def test_what_is_not_possible_says_what_is(script: str, complaint: str) -> None:
    with pytest.raises(ToolFailed) as told:
        grown("create 'First'", *script.splitlines())
    assert str(told.value).startswith(complaint)


def test_numbers_are_not_used_again_and_children_go_with_their_parent() -> None:
    found = grown("create A", "create B --parent T1", "abandon T1 because", "create C", "create D")
    assert [(t.id, t.status, t.note) for t in found.values()] == [
        ("T1", "abandoned", "because"),
        ("T1.1", "abandoned", "with its parent"),
        ("T2", "open", ""),
        ("T3", "open", ""),
    ]


def test_a_subagent_does_not_take_over_what_another_works_on() -> None:
    found = grown("create A", "start T1")
    with pytest.raises(ToolFailed, match="belongs to another agent"):
        list(tree.plan(found, {"action": "done", "id": "T1", "event_summary": "x"}, "child", 1.0, main=False))
    [event] = tree.plan(found, {"action": "start", "id": "T1"}, "other", 2.0)
    assert event["owner"] == "other"


def test_a_heredoc_is_one_argument() -> None:
    script = "task done T1 <<'END'\nall tests pass\nbuild is green\nEND\nlist --status done"
    assert operations(None, script) == [
        {"action": "done", "id": "T1", "event_summary": "all tests pass\nbuild is green"},
        {"action": "list", "status": "done"},
    ]


@given(st.text(max_size=200))
def test_any_script_is_understood_or_refused(script: str) -> None:
    with suppress(ToolFailed):
        assert all(isinstance(each["action"], str) for each in operations(None, script))


@given(
    st.lists(st.sampled_from(["create x", "create y --parent T1", *(f"{m} T1 e" for m in tree.MOVES), "done T1.1 e"]))
)
def test_no_sequence_of_operations_breaks_the_tree(scripts: list[str]) -> None:
    notes: list[dict[str, Any]] = []
    for script in scripts:
        try:
            notes += tree.plan(tree.tree(notes), operations(None, script)[0], "me", 1.0)
        except ToolFailed:
            continue
    found = tree.tree(notes)
    for task in found.values():
        if task.parent and found[task.parent].status in tree.OVER:
            assert task.status in tree.OVER
        assert task.status != "done" or task.note


async def test_the_agent_is_sent_back_once_when_it_stops_too_early(tmp_path: Path) -> None:
    lines = [
        call("create A\nstart T1\ncreate B\nblock T2 'waits for the user'"),
        "done!",
        "really done",
        "hello again",
        "bye",
    ]
    async with play(*lines, plugins=[tasks, Yes()], directory=tmp_path) as session:
        said = await turn(session)
        assert said[-2].startswith("user: These tasks are not finished:\nT1 [in_progress] A\nGo on with them.")
        assert said[-1] == "assistant: really done"
        assert (await turn(session))[-1] == "assistant: bye", "and once more in the next turn"
        assert session.host.options["complaints"] == []


async def test_finished_work_stops_at_once(tmp_path: Path) -> None:
    lines = [call("create A\nstart T1\ndone T1 'it runs'"), "done!"]
    async with play(*lines, plugins=[tasks, Yes()], directory=tmp_path) as session:
        assert (await turn(session))[-1] == "assistant: done!"


async def test_undo_and_fork_move_the_tasks(tmp_path: Path) -> None:
    store = MemoryStore()
    lines = [call("create A\nstart T1\nblock T1 'later'"), "ok", call("create B\nabandon T2"), "ok"]
    async with play(*lines, plugins=[tasks, Yes()], directory=tmp_path, store=store) as session:
        await turn(session)
        before = session.state.seq
        await turn(session)
        async with session.host.open(fork=session.id) as copy:
            assert list(book.tasks(copy)) == ["T1", "T2"]
        await session.submit(Rewind(before))
        await session.settled()
        assert [(t.id, t.status) for t in book.tasks(session).values()] == [("T1", "blocked")]


async def test_a_window_that_opens_later_begins_with_what_is_left(tmp_path: Path) -> None:
    lines = [call("create A\nblock T1 'later'"), "ok"]
    async with play(*lines, plugins=[tasks, Yes()], directory=tmp_path) as session:
        await turn(session)
        [part] = await tasks.contribute(session)
        assert part.text.endswith("\nT1 [blocked] A (later)")


async def test_a_child_works_on_the_same_tree(tmp_path: Path) -> None:
    async with play(call("create A"), "x", "y", plugins=[tasks, Yes()], directory=tmp_path) as session:
        await turn(session)
        async with session.host.open(parent=session) as child:
            assert await book.work(child, {"action": "start", "id": "T1"}, "") == "T1 [in_progress] A"
            assert [t.owner for t in book.tasks(session).values()] == [child.id]
            assert [t.id for t in book.unfinished(child)] == ["T1"]
            assert book.unfinished(session) == []


async def test_a_copy_of_a_conversation_answers_for_what_was_begun_in_it(tmp_path: Path) -> None:
    async with play(call("create A\nstart T1"), "x", "y", plugins=[tasks, Yes()], directory=tmp_path) as session:
        await turn(session)
        async with session.host.open(fork=session.id) as copy:
            assert [t.id for t in book.unfinished(copy)] == ["T1"]
            assert (await book.work(copy, {"action": "done", "id": "T1", "event_summary": "ran it"}, "")).startswith(
                "T1 [done]"
            )
        assert book.tasks(session)["T1"].status == "in_progress"


def test_the_command_line(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "cli")
    assert cli("tasks").err == "No tasks here.\n"
    script = "create A\nstart T1\ndone T1 'it runs'\ncreate B\nblock T2 'later'"
    steps = [{"calls": [{"name": "task", "arguments": {"script": script}}]}, {"text": "ok"}]
    done = cli("run", "-m", cli.scenario(steps), "go")
    assert done.code == 0, done.err
    assert cli("tasks").out == "T2 [blocked] B (later)\n"
    assert cli("tasks", "--all").out == "T1 [done] A (it runs)\nT2 [blocked] B (later)\n"
    assert '"status": "blocked"' in cli("tasks", "--json").out
    assert cli("tasks", "ses_none").code == 2


async def test_the_catalogue_is_what_the_server_lists() -> None:
    assert Path(tasks.__file__).with_name("catalogue.json").read_text() == await catalogue(build(None))


async def test_what_was_over_long_ago_is_archived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        call('task create "Old"\ntask start T1\ntask done T1 "seen"\ntask create "New"'),
        call(action="list", include_terminal=True),
        "ok",
        "ok",  # once more: something is unfinished
        call(action="list", includeTerminal=True),
        call(action="list", include_archived=True),
        "ok",
    ]
    async with play(*lines, plugins=[tasks, Yes()], directory=tmp_path) as session:
        first = await turn(session)
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + 8 * 86400)
        second = await turn(session)
    listed = [line.split("tool: ")[1] for line in (*first, *second) if line.startswith("tool: ")][1:]
    assert [("Old" in text, "New" in text) for text in listed if "[" in text][:3] == [
        (True, True),
        (False, True),
        (True, True),
    ]


async def test_the_tasks_of_another_session_are_read_and_not_changed(tmp_path: Path) -> None:
    store = MemoryStore()
    async with play(
        call('task create "Theirs"'), "ok", "ok", plugins=[tasks, Yes()], directory=tmp_path, store=store
    ) as s:
        await turn(s)
        theirs = s.id
    lines = [
        call(action="list", session_id=theirs),
        call(action="start", id="T1", session_id=theirs),
        call(action="list", session_id="ses_none"),
        "ok",
    ]
    async with play(*lines, plugins=[tasks, Yes()], directory=tmp_path, store=store) as session:
        read, changed, none = (line for line in await turn(session) if line.startswith("tool: "))
    assert "T1 [open] Theirs" in read
    assert "can be listed, and not changed from here" in changed
    assert "There is no session 'ses_none'" in none
