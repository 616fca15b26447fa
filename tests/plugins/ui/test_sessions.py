"""`mimo session`: find a session, read it, check it, forget it, take it elsewhere."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mimocode.errors import MimoError, StoreError, UsageError
from mimocode.events import (
    AnyFact,
    ApprovalAsked,
    ApprovalGiven,
    CallFinished,
    CallStarted,
    MessageAdded,
    ModelChosen,
    Noted,
    Rewound,
    SessionStarted,
    Titled,
    TurnEnded,
    TurnStarted,
    WindowOpened,
    encode,
)
from mimocode.messages import Media, Message, Part, Reasoning, Text, ToolCall, ToolSpec, Usage, assistant, user
from mimocode_plugins.store.sqlite.store import SqliteStore
from mimocode_plugins.ui.sessions import work
from mimocode_plugins.ui.sessions.output import columns, line, plain

ROOT = Path(__file__).parents[3]
CLI = f"""
import sys
sys.path[:0] = [{str(ROOT / "kernel")!r}, {str(ROOT / "plugins")!r}]
from mimocode.main import console
console()
"""

READ = ToolCall("c1", "read", {"path": "src/rows.py", "limit": 20})
BASH = ToolCall("c2", "bash", {"command": "pytest -q\necho done"})
WRITE = ToolCall("c3", "write", {"path": "secret/plan.md", "content": "our secret plan"})
SPEC = ToolSpec("read", "Reads secret files.", {"type": "object", "properties": {"path": {"type": "string"}}}, "files")
CONVERSATION: list[AnyFact] = [
    SessionStarted("/project", "build", "acme/large", version="1"),
    Titled("Fix the parser"),
    TurnStarted(),
    WindowOpened((Part("You are secret.", 10, "/else/secret/AGENTS.md"),), (SPEC,)),
    MessageAdded(user("why does parse_row\nlose the secret field?", Media("image/png", "c2VjcmV0", "secret.png"))),
    MessageAdded(
        Message("assistant", (Reasoning("secret thoughts", {"signature": "secret"}), Text("I will look."), READ, BASH)),
        Usage(100, 20),
        "calls",
        "acme/large",
    ),
    CallStarted("c1"),
    CallFinished("c1", (Text("secret = 1"),), display={"path": "/else/secret/rows.py", "/else/secret": 1}),
    CallFinished("c2", (Text("\n  1 failed, secret\nmore"),), error=True),
    MessageAdded(user("Remember the secret todo.", origin="reminder")),
    MessageAdded(assistant("", WRITE), Usage(1, 1), "calls"),
    ApprovalAsked(WRITE, "writes secret/plan.md", ("edit secret/*",)),
    ApprovalGiven("c3", True, "secret, but fine", "project"),
    Noted("files", {"blob": "secret", "n": 3}),
    TurnEnded("interrupted", "The secret user stopped it."),
    ModelChosen("acme/small"),
    Rewound(2),
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(str(tmp_path / "home" / "data" / "mimocode.db"))) as opened:
        yield opened


def fill(store: SqliteStore, session: str, said: list[AnyFact]) -> None:
    for fact in said:
        store.append(session, fact)


def started(store: SqliteStore, session: str, directory: str, title: str = "", parent: str = "") -> None:
    fill(store, session, [SessionStarted(directory, "build", parent=parent), *([Titled(title)] if title else [])])


# -- list -------------------------------------------------------------------------


def test_the_list_shows_roots_of_this_project_latest_first(
    store: SqliteStore, capsys: pytest.CaptureFixture[str]
) -> None:
    started(store, "ses_1", "/project", "修复解析器")
    started(store, "ses_2", "/project/deeper")
    started(store, "ses_5", "/project")
    words = '<file path="/a">\nx\n</file>\nWhy does the\nparser fail?'
    fill(store, "ses_5", [MessageAdded(user("From here on", origin="prompt")), MessageAdded(user(words))])
    started(store, "ses_3", "/projects-else", "Other")
    started(store, "ses_4", "/project", "Child", parent="ses_1")
    now = time.strftime("%Y-%m-%d %H:%M", time.localtime(store.sessions()[0].updated))

    assert work.show_list(store, Path("/project"), count=None, form="table", everywhere=False) == 0
    assert capsys.readouterr().out == (
        "Session ID            Title                      Updated\n"
        "─────────────────────────────────────────────────────────────────\n"
        f"ses_5                 Why does the parser fail?  {now}\n"
        f"ses_2                 (untitled)                 {now}\n"
        f"ses_1                 修复解析器                 {now}\n"
    )
    work.show_list(store, Path("/project"), count=1, form="json", everywhere=True)
    info = next(info for info in store.sessions() if info.id == "ses_3")
    assert json.loads(capsys.readouterr().out) == [
        {
            "id": "ses_3",
            "title": "Other",
            "updated": int(info.updated * 1000),
            "created": int(info.created * 1000),
            "projectId": "/projects-else",
            "directory": "/projects-else",
        }
    ]


@pytest.mark.parametrize("form", ["table", "json"])
def test_nothing_to_list_prints_nothing(store: SqliteStore, capsys: pytest.CaptureFixture[str], form: str) -> None:
    started(store, "ses_1", "/elsewhere")
    assert work.show_list(store, Path("/project"), count=None, form=form, everywhere=False) == 0
    assert capsys.readouterr() == ("", "")


def test_a_count_that_makes_no_sense_is_refused(store: SqliteStore) -> None:
    with pytest.raises(UsageError, match="--max-count must be at least 1, not 0"):
        work.show_list(store, Path("/project"), count=0, form="table", everywhere=False)


# -- which one --------------------------------------------------------------------


def test_a_session_is_named_by_id_beginning_or_last(store: SqliteStore, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ses_aaaa", "ses_aabb", "ses_aa"):
        started(store, name, "/project")
    started(store, "ses_child", "/project", parent="ses_aa")
    started(store, "ses_other", "/other")

    def verified(wanted: str) -> str:
        work.verify(store, Path("/project"), wanted, everything=False)
        return capsys.readouterr().out

    assert verified("ses_aab") == "ses_aabb  intact, 1 facts\n"
    assert verified("ses_aa") == "ses_aa  intact, 1 facts\n"
    assert verified("last") == "ses_aa  intact, 1 facts\n"
    assert verified("ses_c") == "ses_child  intact, 1 facts\n"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("ses_a", "'ses_a' is the beginning of several sessions: ses_ab, ses_aa; write more of the id"),
        ("ses_ad", "there is no session 'ses_ad'; did you mean ses_ab or ses_aa?"),
        ("zzz", "there is no session 'zzz'; `mimo session list --all` shows what there is"),
        ("", "there is no session ''; `mimo session list --all` shows what there is"),
        ("last", "there is no session of /project yet; `mimo session list --all` shows those of other places"),
    ],
)
def test_a_name_that_fits_no_session_gets_one_sentence(store: SqliteStore, wanted: str, sentence: str) -> None:
    for name in ("ses_aa", "ses_ab"):
        started(store, name, "/other")
    with pytest.raises(MimoError) as caught:
        work.show(store, Path("/project"), wanted, "text")
    assert (str(caught.value), caught.value.exit_code) == (sentence, 1)


# -- show -------------------------------------------------------------------------


def test_a_session_reads_like_a_conversation(store: SqliteStore, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store, "ses_1", CONVERSATION)
    created = time.strftime("%Y-%m-%d %H:%M", time.localtime(store.sessions()[0].created))
    work.show(store, Path("/project"), "last", "text")
    assert capsys.readouterr().out == (
        "Fix the parser\n"
        f"ses_1 · /project · {created}\n"
        "\n"
        "> why does parse_row\n"
        "> lose the secret field?\n"
        "> [image/png]\n"
        "\n"
        "I will look.\n"
        "  ✓ read src/rows.py\n"
        "  ✗ bash pytest -q: 1 failed, secret\n"
        "\n"
        "> (reminder) Remember the secret todo.\n"
        "— interrupted: The secret user stopped it.\n"
        "— model acme/small\n"
        "— back to fact 2: what was said after it no longer counts\n"
        "  … write secret/plan.md (no answer)\n"
    )


def test_the_prompt_is_what_the_model_sees_now(store: SqliteStore, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store, "ses_1", CONVERSATION[:-1])
    assert work.prompt(store, Path("/project"), "last") == 0
    told = capsys.readouterr().out
    assert told.startswith(
        "--- prompt: /else/secret/AGENTS.md\nYou are secret.\n--- tool: read\nReads secret files.\n"
        '{"type": "object", "properties": {"path": {"type": "string"}}}\n'
        "--- user\nwhy does parse_row\nlose the secret field?\n[image/png]\n"
        '--- assistant\nsecret thoughts\nI will look.\ncalls read {"path": "src/rows.py", "limit": 20}\n'
    )


def test_a_session_as_json_is_one_fact_a_line(store: SqliteStore, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store, "ses_1", CONVERSATION)
    work.show(store, Path("/project"), "ses_1", "json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == [json.loads(encode(fact)) for fact in CONVERSATION]
    assert [(line["session"], line["seq"]) for line in lines] == [("ses_1", n + 1) for n in range(len(CONVERSATION))]


def test_nothing_that_was_said_commands_the_terminal() -> None:
    assert plain("a\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07b\x1b]0;t\x1b\\c\x9b2J\u202ed\r\x00\n\te") == "ared bc2Jd\n\te"
    assert line("\n\n  第一行很长很长\nrest", 9) == "第一行很…"
    assert columns("第a") == 3


# -- delete, verify ---------------------------------------------------------------


def test_deleting_says_what_went(store: SqliteStore, capsys: pytest.CaptureFixture[str]) -> None:
    started(store, "ses_1", "/project")
    started(store, "ses_2", "/project", parent="ses_1")
    assert work.delete(store, Path("/project"), "ses_1") == 0
    assert capsys.readouterr() == ("", "Deleted session ses_1 and 1 of its children\n")
    assert store.sessions() == []


def test_verifying_all_goes_on_after_the_first_edit(store: SqliteStore, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ses_1", "ses_2"):
        started(store, name, "/project", "title")
    with closing(sqlite3.connect(store.path)) as vandal:
        vandal.execute("UPDATE facts SET json=replace(json, 'title\"}', 'other\"}') WHERE session='ses_2' AND seq=2")
        vandal.commit()
    assert work.verify(store, Path("/project"), "last", everything=True) == 1
    assert capsys.readouterr() == (
        "ses_1  intact, 2 facts\n",
        "mimo: the log of session ses_2 was edited: fact 2 was changed after it was written, "
        "or the one before it was exchanged\n",
    )


# -- export, import ---------------------------------------------------------------


def exported(store: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, sanitize: bool = False) -> Path:
    assert work.export(store, Path("/project"), "ses_1", sanitize=sanitize) == 0
    file = tmp_path / "session.json"
    file.write_text(capsys.readouterr().out)
    return file


def taken_in(store: SqliteStore, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert work.take_in(store, Path("/new/home"), str(file)) == 0
    head, _, id_ = capsys.readouterr().out.strip().partition(": ")
    assert head == "Imported session"
    return id_


def test_what_is_exported_is_imported(store: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(store, "ses_1", CONVERSATION)
    file = exported(store, tmp_path, capsys)
    parcel = json.loads(file.read_text())
    info = store.sessions()[0]
    assert parcel["format"] == "mimocode.session/1"
    assert parcel["info"] == {
        "id": "ses_1",
        "title": "Fix the parser",
        "directory": "/project",
        "created": info.created,
        "updated": info.updated,
        "parent": "",
    }
    assert [row["fact"] for row in parcel["facts"]] == [json.loads(encode(fact)) for fact in CONVERSATION]

    id_ = taken_in(store, file, capsys)
    assert id_ != "ses_1" and id_.startswith("ses_")
    expected = list(CONVERSATION)
    expected[0] = SessionStarted("/new/home", "build", "acme/large", version="1")
    expected[12] = ApprovalGiven("c3", True, "secret, but fine")  # a stranger's "always" is not ours
    assert [entry.event for entry in store.read(id_)] == expected
    assert store.verify(id_) == len(CONVERSATION)

    store.delete("ses_1")
    assert taken_in(store, file, capsys) == "ses_1"


def test_a_child_comes_in_as_a_root(store: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started(store, "ses_1", "/project", parent="ses_0")
    id_ = taken_in(store, exported(store, tmp_path, capsys), capsys)
    assert next(info for info in store.sessions() if info.id == id_).parent == ""


def test_a_sanitized_export_has_the_course_and_no_words(
    store: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, "ses_1", CONVERSATION)
    file = exported(store, tmp_path, capsys, sanitize=True)
    text = file.read_text()
    for word in ("secret", "c2VjcmV0", "parse_row", "/project", "rows.py", "/else", "Fix the parser"):
        assert word not in text

    id_ = taken_in(store, file, capsys)
    events: list[Any] = [entry.event for entry in store.read(id_)]
    assert [type(event) for event in events] == [type(fact) for fact in CONVERSATION]
    assert events[5] == MessageAdded(
        Message(
            "assistant",
            (
                Reasoning("[15 characters]", {"signature": "[6 characters]"}),
                Text("[12 characters]"),
                ToolCall("c1", "read", {"path": "[11 characters]", "limit": 20}),
                ToolCall("c2", "bash", {"command": "[19 characters]"}),
            ),
        ),
        Usage(100, 20),
        "calls",
        "acme/large",
    )
    assert events[7].display == {"path": "[20 characters]", "key 1": 1}
    assert events[3].tools[0].schema == {"type": "object", "properties": {"path": {"type": "string"}}}
    assert events[14] == TurnEnded("interrupted", "[27 characters]")


GOOD_FACT = {"seq": 1, "time": 1.0, "fact": {"type": "session.started", "directory": "/a", "agent": "b"}}


def parcel(**changes: Any) -> str:
    return json.dumps({"format": "mimocode.session/1", "info": {"id": "ses_9"}, "facts": [GOOD_FACT], **changes})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not JSON: Input data was truncated"),
        ("{", "is not JSON: Input data was truncated"),
        ("\ufeff<html>", "is not JSON: JSON is malformed: .*"),
        ('{"x":' * 100_000, "is not a session export: it is nested too deeply"),
        ("[1]", "is not a session export that this version understands: Expected `object`, got `array`"),
        ("{}", r'is not a session export \(no "format": "mimocode.session/1" in it\)'),
        (
            '{"info": {}, "messages": []}',
            "is an export of the original MiMo Code, whose sessions cannot be imported yet",
        ),
        (parcel(format="mimocode.session/2"), "has the format 'mimocode.session/2', which only a newer version .*"),
        (parcel(facts=[]), "is incomplete: it does not begin with the start of a session"),
        (parcel(facts=[{**GOOD_FACT, "seq": 2}]), "is incomplete: its facts are not numbered from 1 without gaps"),
        (
            parcel(facts=[{**GOOD_FACT, "fact": {"type": "dream"}}]),
            r".* Invalid value 'dream' - at `\$.facts\[0\].fact.type`",
        ),
        (parcel(info={}), ".* Object missing required field `id` - at `.*info`"),
    ],
)
def test_a_broken_file_is_one_sentence(store: SqliteStore, tmp_path: Path, content: str, sentence: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(content)
    with pytest.raises(MimoError, match=f"^{file} {sentence}$"):
        work.take_in(store, tmp_path, str(file))
    assert store.sessions() == []


def test_a_missing_file_is_one_sentence(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(MimoError, match=r"^/nowhere/session\.json cannot be read: No such file or directory$"):
        work.take_in(store, tmp_path, "/nowhere/session.json")


def test_an_id_that_is_none_is_replaced(store: SqliteStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "session.json"
    file.write_text(parcel(info={"id": "../../etc\x1b[2J"}))
    assert taken_in(store, file, capsys).startswith("ses_")


def test_an_import_that_fails_midway_leaves_nothing(store: SqliteStore, tmp_path: Path) -> None:
    class Full(SqliteStore):
        def append(self, session: str, fact: AnyFact) -> Any:
            if isinstance(fact, Titled):
                raise StoreError("the disk is full")
            return super().append(session, fact)

    file = tmp_path / "session.json"
    title = {"seq": 2, "time": 1.0, "fact": {"type": "session.titled", "title": "x"}}
    file.write_text(parcel(facts=[GOOD_FACT, title]))
    with closing(Full(store.path)) as full, pytest.raises(StoreError, match="the disk is full"):
        work.take_in(full, tmp_path, str(file))
    assert store.sessions() == []


# -- through the command line -----------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def mimo(project: Path, *words: str, stdin: str = "", **environ: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [sys.executable, "-c", CLI, *words],
        cwd=project,
        env={"PATH": os.environ["PATH"], "MIMOCODE_HOME": str(project.parent / "home"), **environ},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_the_commands_work_from_the_command_line(store: SqliteStore, project: Path) -> None:
    assert mimo(project, "session", "list") == (0, "", "")
    fill(store, "ses_1", [SessionStarted(str(project), "build"), *CONVERSATION[1:]])

    code, listed, _ = mimo(project, "session", "list", "--format", "json")
    assert (code, [info["projectId"] for info in json.loads(listed)]) == (0, [str(project)])
    assert mimo(project, "session", "show", "last")[1].startswith("Fix the parser\nses_1 · ")
    assert mimo(project, "session", "verify") == (0, f"ses_1  intact, {len(CONVERSATION)} facts\n", "")
    code, parcel, told = mimo(project, "export")
    assert (code, told) == (0, "")
    assert mimo(project, "session", "delete", "ses_1") == (0, "", "Deleted session ses_1\n")
    assert mimo(project, "session", "delete", "ses_1") == (
        1,
        "",
        "mimo: there is no session 'ses_1'; `mimo session list --all` shows what there is\n",
    )
    assert mimo(project, "import", "-", stdin=parcel) == (0, "Imported session: ses_1\n", "")
    assert mimo(project, "session", "import", "-", stdin="{") == (
        1,
        "",
        "mimo: stdin is not JSON: Input data was truncated\n",
    )


def test_the_database_can_be_elsewhere(project: Path) -> None:
    source = project / "session.json"
    source.write_text(parcel())
    assert mimo(project, "import", str(source), MIMOCODE_DB="mine/my.db")[0] == 0
    assert (project.parent / "home/data/mine/my.db").exists()
    assert not (project.parent / "home/data/mimocode.db").exists()
    assert mimo(project, "session", "list", MIMOCODE_DB=":memory:") == (0, "", "")


def test_a_database_that_is_none_is_one_line(project: Path) -> None:
    (project / "notes.db").write_text("my notes, which are no database " * 100)
    code, out, told = mimo(project, "session", "list", MIMOCODE_DB=str(project / "notes.db"))
    assert (code, out) == (1, "")
    assert told.startswith(f"mimo: {project}/notes.db is damaged or not a database") and told.count("\n") == 1


@pytest.mark.parametrize("words", [["session", "show", "last"], ["session", "list"]])
def test_a_reader_that_goes_away_is_no_error(store: SqliteStore, project: Path, words: list[str]) -> None:
    long = [MessageAdded(user("words " * 1000)) for _ in range(100)]
    fill(store, "ses_1", [SessionStarted(str(project), "build"), *long])
    with subprocess.Popen(
        [sys.executable, "-c", CLI, *words],
        cwd=project,
        env={"MIMOCODE_HOME": str(project.parent / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_another_encoding_does_not_stop_the_output(store: SqliteStore, project: Path) -> None:
    fill(store, "ses_1", [SessionStarted(str(project), "build"), Titled("修复")])
    code, out, told = mimo(project, "session", "show", "last", PYTHONIOENCODING="ascii")
    assert (code, told) == (0, "")
    assert out.startswith("??\nses_1 ? ")
