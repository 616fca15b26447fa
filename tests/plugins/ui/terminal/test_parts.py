"""The parts of the prompt that need no terminal: pastes, files, history, search, export, questions."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.events import ApprovalAsked, ApprovalGiven, Approve, Entry, TurnEnded
from mimocode.messages import Media, Message, Text, ToolCall, assistant, user
from mimocode_plugins.ui.shown.look import Look
from mimocode_plugins.ui.terminal.approving import PAUSE, Approving
from mimocode_plugins.ui.terminal.asking import body, keys
from mimocode_plugins.ui.terminal.desk import Desk, Waiting
from mimocode_plugins.ui.terminal.exporting import markdown, page
from mimocode_plugins.ui.terminal.files import Files
from mimocode_plugins.ui.terminal.fuzzy import best, score
from mimocode_plugins.ui.terminal.history import PromptHistory
from mimocode_plugins.ui.terminal.pace import FRAME, Pace
from mimocode_plugins.ui.terminal.pasting import Pastes, mentioned
from mimocode_plugins.ui.terminal.picker import Choice, Picker
from mimocode_plugins.ui.terminal.questions import Questions
from mimocode_plugins.ui.terminal.shell import MOST, UserShell, for_agent


@given(st.lists(st.text(), max_size=4))
def test_pastes_come_back_whole(texts: list[str]) -> None:
    pastes = Pastes()
    shown = [pastes.take(text) for text in texts]
    assert all(len(text) <= 150 and text.count("\n") < 2 for text in shown)
    assert [pastes.expand(text) for text in shown] == [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]


def test_large_pastes_may_be_shown_as_they_are() -> None:
    pastes = Pastes()
    pastes.whole = True
    assert pastes.take("one\ntwo\nthree\nfour") == "one\ntwo\nthree\nfour"


def test_what_only_looks_like_a_paste_stays() -> None:
    assert Pastes().expand("[Pasted #1: 3 lines] [Pasted #0: x]") == "[Pasted #1: 3 lines] [Pasted #0: x]"


def test_mentioned_files_lines_and_images(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\nthree\n")
    (tmp_path / "p.png").write_bytes(b"png")
    text, media = mentioned("see @a.py#2-3, @p.png, me@a.py and @nobody.", tmp_path)
    assert text == f'<file path="{tmp_path / "a.py"}" lines="2-3">\ntwo\nthree\n</file>'
    assert media == (Media("image/png", "cG5n", "p.png"),)


def test_files_leave_out_what_git_ignores(tmp_path: Path) -> None:
    for name in ("a.py", "b.log", "keep.log", "sub/c.py", "sub/d.tmp", "sub/deep/e.py", "out/f.py", ".git/config"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / ".gitignore").write_text("*.log\n!keep.log\n/out/\n")
    (tmp_path / "sub/.gitignore").write_text("*.tmp\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert Files(tmp_path).names() == [
        ".gitignore", "a.py", "keep.log", "sub/", "sub/.gitignore", "sub/c.py", "sub/deep/", "sub/deep/e.py",
    ]  # fmt: skip


def test_history_is_kept_without_repetitions_and_survives_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history.jsonl"
    PromptHistory(path).append_string("one")
    history = PromptHistory(path)
    for text in ("two\nlines", "two\nlines", "漢字"):
        history.append_string(text)
    with path.open("a") as file:
        file.write("rubbish\n[1]\n")
    assert list(PromptHistory(path).load_history_strings()) == ["漢字", "two\nlines", "one"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_paste_is_remembered_for_other_sessions_unless_it_is_too_long(tmp_path: Path) -> None:
    pastes = Pastes()
    short, long = pastes.take("one\ntwo\nthree"), pastes.take("x\n" * 20_000)
    history = PromptHistory(tmp_path / "history.jsonl", pastes.expand)
    for marker in (short, long):
        history.append_string(f"look: {marker}")
    assert history.get_strings() == [f"look: {short}", f"look: {long}"]
    kept = list(PromptHistory(tmp_path / "history.jsonl").load_history_strings())
    assert kept == [f"look: {long}", "look: one\ntwo\nthree"]


def test_fuzzy_search_prefers_beginnings_and_runs() -> None:
    names = ["src/models.py", "docs/readme.md", "mod.py", "something_odd.py"]
    assert best("mod", names, str)[:2] == ["mod.py", "src/models.py"]
    assert best("smod", names, str) == ["src/models.py", "something_odd.py"]
    assert best("zzz", names, str) == []
    assert best("", names, str) == names


@given(st.text(max_size=8), st.text(max_size=20))
def test_a_text_is_found_by_any_of_its_letters_in_order(query: str, text: str) -> None:
    letters, rest = list(query.lower()), iter(text.lower())
    assert (score(query, text) > 0) == all(letter in rest for letter in letters)


def test_a_list_is_filtered_and_left() -> None:
    taken: list[str | None] = []
    picker = Picker("Agent", [Choice("b", "build", "works"), Choice("p", "plan", "thinks", now=True)], taken.append)
    assert picker.lines(Look(40), 10) == [
        "Agent: ▏",
        "  build  works",
        "❯ ● plan   thinks",
        "  enter takes · esc leaves",
    ]
    for letter in "bui":
        picker.key("<any>", letter)
    assert picker.lines(Look(40), 10)[1:] == ["❯ build  works", "  enter takes · esc leaves"]
    picker.key("c-m", "\r")
    picker.key("<any>", "\x07")
    picker.key("<any>", "zz")
    picker.key("c-m", "\r")
    picker.key("escape", "")
    assert taken == ["b", None, None]


class Held:
    """A session as the desk knows it."""

    def __init__(self, id: str) -> None:
        self.id, self.parent, self.directory, self.said = id, None, Path("/work"), list[Any]()
        self.agent = SimpleNamespace(name="build")

    async def submit(self, operation: Any) -> None:
        """Keep what is asked for."""
        self.said.append(operation)


async def test_questions_are_answered_in_their_order_and_leave_when_they_are_over() -> None:
    changes: list[int] = []
    desk, one, two = Desk(lambda: changes.append(1)), Held("one"), Held("two")
    asked = [ApprovalAsked(ToolCall(f"c{number}", "bash", {"command": "x"}), "why") for number in range(4)]
    for question, session in zip(asked, (one, one, two, two), strict=True):
        await desk.take(question, session)  # type: ignore[arg-type]
    said = desk.answer(False, "no", "")
    assert [waiting.asked.call.id for waiting in desk.queue] == [
        "c1",
        "c2",
        "c3",
    ]  # at once: a second key comes too late
    await said
    assert one.said == [Approve("c0", False, "no")]
    desk.see(Entry("one", 9, 0.0, ApprovalGiven("c1", True)))
    assert [waiting.asked.call.id for waiting in desk.queue] == ["c2", "c3"]
    desk.see(Entry("two", 9, 0.0, TurnEnded("interrupted")))
    assert desk.first is None


async def test_yolo_answers_all_but_what_cannot_be_brought_back() -> None:
    desk, session = Desk(lambda: None, yolo=True), Held("one")
    await desk.take(ApprovalAsked(ToolCall("c1", "bash"), "why"), session)  # type: ignore[arg-type]
    await desk.take(ApprovalAsked(ToolCall("c2", "bash"), "bash_delete", forced=True), session)  # type: ignore[arg-type]
    assert (session.said, len(desk.queue)) == ([Approve("c1", True)], 1)


def test_a_question_hides_nothing() -> None:
    call = ToolCall("c", "bash", {"command": "echo safe\u200b\x1b[8m; rm -rf ~ \u202e" + "x" * 50})
    waiting = Waiting(ApprovalAsked(call, "rule bash * asks", ("bash: echo *",)), Held("s"))  # type: ignore[arg-type]
    assert body(waiting, Look(50)) == [
        "The agent wants to use bash",
        "  $ echo safe\\u{200b}␛[8m; rm -rf ~ \\u{202e}xxxxxx",
        "    xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "  in  /work",
        "  why rule bash * asks",
    ]
    assert keys(waiting, Look(120), 2, True) == [
        "y once · s this session · a always in this project · u in all of yours · e edit that rule · n deny · m deny and say why",
        "s, a and u allow bash: echo *",
        "2 more waiting",
    ]


@pytest.mark.parametrize("width", range(40, 121))
def test_no_line_of_keys_breaks_inside_of_a_choice(width: int) -> None:
    choices = {"y once", "s this session", "a always in this project", "u in all of yours", "e edit that rule"}
    choices |= {"n deny", "m deny and say why"}
    waiting = Waiting(ApprovalAsked(ToolCall("c", "bash"), "", ("bash: *",)), Held("s"))  # type: ignore[arg-type]
    rows = keys(waiting, Look(width), 0, True)[:-1]
    assert {choice for row in rows for choice in row.split(" · ")} == choices and all(len(row) <= width for row in rows)
    picker = Picker("Go on with", [Choice("a", "a")], print, more={"c-f": ("copy", None), "c-d": ("delete it", None)})  # type: ignore[dict-item]
    rows = [row for row in picker.lines(Look(width), 20) if "ctrl" in row or "enter" in row]
    found = {choice for row in rows for choice in row.removeprefix("  ").split(" · ")}
    assert found == {"enter takes", "esc leaves", "ctrl-f copy", "ctrl-d delete it"}


async def test_a_question_with_long_options_keeps_the_marked_one_and_the_keys_in_sight() -> None:
    questions = Questions(lambda: None, lambda: -10.0, lambda work: None)
    options = [{"label": f"Option {n}", "description": "what it means " * 5} for n in range(9)]
    asked = {"question": "Which of all of these? " * 9, "options": options, "multiple": True}
    questions.take({"call": "c", "questions": [asked]}, Held("s"))  # type: ignore[arg-type]
    await asyncio.sleep(PAUSE)
    for at in range(9):
        for rows in (8, 12, 30):
            shown = questions.lines(Look(40), rows)
            assert len(shown) <= rows and shown[-1] == "esc declines"
            assert any(row.startswith(f"❯ [ ] Option {at}") for row in shown)
        questions.key("down", "")
    questions.key("paste", "none of them")
    assert "  your words: none of them▏" in questions.lines(Look(40), 30)


async def test_what_is_pasted_approves_nothing() -> None:
    desk, session = Desk(lambda: None), Held("one")
    await desk.take(ApprovalAsked(ToolCall("c1", "bash"), "why"), session)  # type: ignore[arg-type]
    Approving(desk, lambda: 0.0, print).key("paste", "y")
    assert len(desk.queue) == 1


async def test_a_draft_is_neither_a_reason_nor_a_rule_and_comes_back() -> None:
    desk, session, prompt = Desk(lambda: None), Held("one"), list[str | None]()
    done: list[Any] = []
    approving = Approving(desk, lambda: 0.0, done.append, prompt.append)
    for call in ("c1", "c2", "c3"):
        asked = ApprovalAsked(ToolCall(call, "bash"), "why", ("bash: touch *",))
        await desk.take(asked, session)  # type: ignore[arg-type]
        assert approving.pending()
        approving.key("", "m" if call == "c3" else "e")
        if call == "c2":
            assert (approving.explain("touch *"), approving.explain("edit: *"), approving.explaining) == (
                False,
                False,
                True,
            )
            assert approving.explain("edit: *\nbash: touch ?")
        elif call == "c3":
            assert approving.explain("no need")
        else:
            approving.withdraw()
            desk.see(Entry("one", 9, 0.0, ApprovalGiven("c1", True)))
    for work in done:
        await work
    assert prompt == ["bash: touch *", None, "bash: touch *", None, "", None]
    assert session.said == [
        Approve("c2", True, "edit: *\nbash: touch ?", "project"),
        Approve("c3", False, "no need", ""),
    ]


async def test_a_question_that_no_longer_fits_is_whole_in_the_scrollback_once() -> None:
    changes: list[None] = []
    desk = Desk(lambda: changes.append(None))
    call = ToolCall("c1", "bash", {"command": "\n".join(f"echo {n}" for n in range(9))})
    await desk.take(ApprovalAsked(call, "why"), Held("one"))  # type: ignore[arg-type]
    approving, look = Approving(desk, lambda: 0.0, print), Look(40)
    assert approving.pending() and len(approving.lines(look, 30)) == 15 and approving.whole(look) == []
    before = len(changes)
    small = approving.lines(look, 10)  # the window became smaller
    assert any(row.startswith("… more than fits") and len(row) == 40 for row in small)
    approving.lines(look, 9)
    assert len(changes) == before + 1
    printed = approving.whole(look)
    assert (printed[1], printed[9], approving.whole(look)) == ("  $ echo 0", "    echo 8", [])


def test_a_conversation_as_a_document() -> None:
    said = [
        user("hi"),
        assistant("A ``` fence", ToolCall("1", "glob", {"pattern": "*"})),
        Message("tool", (Text("```"),), "1"),
    ]
    assert markdown("My\ntitle", said) == (
        '# My title\n\n## User\n\nhi\n\n## Assistant\n\nA ``` fence\n\n**glob**\n\n```json\n{\n "pattern": "*"\n}\n```\n\n````\n```\n````\n'
    )


async def test_the_shell_keeps_beginning_and_end_and_says_how_it_ended(tmp_path: Path) -> None:
    done = await UserShell().run("echo begin; head -c 100000 /dev/zero | tr '\\0' x; echo end; exit 3", tmp_path)
    assert (done.exit, done.output[:6], done.output[-4:]) == (3, "begin\n", "end\n")
    assert len(done.output) < MOST + 100 and "bytes left out" in done.output
    assert for_agent(done).startswith('<shell command="echo begin; head') and 'exit="3"' in for_agent(done)


async def test_a_directory_that_is_gone_is_named(tmp_path: Path) -> None:
    done = await UserShell().run("true", tmp_path / "gone")
    assert (done.output, done.exit) == (f"{tmp_path / 'gone'}: No such file or directory", 127)


async def test_a_shell_command_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    shell = UserShell()
    running = asyncio.create_task(shell.run("sleep 60 & sleep 60", tmp_path))
    while not shell._process:  # noqa: ASYNC110
        await asyncio.sleep(0)
    shell.stop()
    assert (await asyncio.wait_for(running, 60)).exit == -9


async def test_frames_are_bounded_and_none_is_drawn_for_nothing() -> None:
    loop = asyncio.get_running_loop()
    times: list[float] = []
    pace = Pace(lambda: times.append(loop.time()), lambda: 0.0)
    until = loop.time() + 0.3
    while loop.time() < until:
        pace.changed()
        await asyncio.sleep(0)
    assert 2 <= len(times) <= 0.3 / FRAME + 2
    assert all(b - a >= FRAME * 0.9 for a, b in pairwise(times))
    assert pace._timer is not None  # one change is waiting for its frame, then nothing
    pace.stop()


def test_a_page_shows_html_and_runs_none() -> None:
    shown = page(
        "<b>T</b>", [user("<script>alert(1)</script>\n\n[x](javascript:alert(1))"), assistant("**fine** `a<b`")]
    )
    assert "<title>&lt;b&gt;T&lt;/b&gt;</title>" in shown
    assert "<strong>fine</strong> <code>a&lt;b</code>" in shown
    assert "<script" not in shown and 'href="javascript' not in shown
