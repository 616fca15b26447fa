"""Sessions of the original MiMo Code move over: once, without a byte of its database changing."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mimocode_plugins.store.sqlite.store import SqliteStore
from support.cli import Cli

SCHEMA = """
CREATE TABLE session(id TEXT PRIMARY KEY, project_id TEXT, parent_id TEXT, directory TEXT, title TEXT,
  time_created INTEGER, time_updated INTEGER, last_checkpoint_message_id TEXT);
CREATE TABLE message(id TEXT PRIMARY KEY, session_id TEXT, agent_id TEXT DEFAULT 'main', time_created INTEGER,
  data TEXT);
CREATE TABLE part(id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, data TEXT)
"""


DAY = 1_740_823_200_000
"""The first of March 2025, in milliseconds."""


class Original:
    """A database as the original makes it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.db, self.count = path, sqlite3.connect(path), 0
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.executescript(SCHEMA)

    def session(self, id: str, directory: Path, title: str, parent: str | None = None) -> None:
        where = str(directory)
        self.db.execute("INSERT INTO session VALUES(?, 'p', ?, ?, ?, 1, 1, NULL)", (id, parent, where, title))

    def say(self, session: str, role: str, *parts: Any, agent: str = "main") -> None:
        self.count += 1
        id = f"msg_{self.count:04}"
        data = json.dumps(
            {"role": role, "providerID": "mimo", "modelID": "v2"} if role == "assistant" else {"role": role}
        )
        self.db.execute(
            "INSERT INTO message VALUES(?, ?, ?, ?, ?)", (id, session, agent, DAY + self.count * 60_000, data)
        )
        for at, part in enumerate(parts):
            raw = part if isinstance(part, str) else json.dumps(part)
            self.db.execute("INSERT INTO part VALUES(?, ?, ?, ?)", (f"{id}_{at}", id, session, raw))

    def close(self) -> Path:
        self.db.commit()
        self.db.close()
        return self.path


def text(said: str, **more: object) -> dict[str, object]:
    return {"type": "text", "text": said, **more}


def call(id: str, status: str, **state: object) -> dict[str, object]:
    return {
        "type": "tool",
        "tool": "bash",
        "callID": id,
        "state": {"status": status, "input": {"command": "make"}, **state},
    }


def original(cli: Cli, path: Path) -> Original:
    made = Original(path)
    made.session("ses_one", cli.project, "The login")
    made.say("ses_one", "user", text("Why does the login fail?"), text("<reminder/>", synthetic=True))
    made.say(
        "ses_one",
        "assistant",
        {"type": "step-start"},
        {"type": "reasoning", "text": "hmm"},
        text("Let me look."),
        call("c1", "error", error="E4711", time={"start": DAY + 130_000, "end": DAY + 140_000}),
        call("c2", "running"),
        {"type": "step-finish"},
        {"type": "step-start"},
        text("E4711: the clock is wrong."),
        {"type": "step-finish"},
    )
    made.say("ses_one", "user", text("Look into the clock."), agent="explore-1")
    made.say("ses_one", "assistant", text("It is five minutes late."), agent="explore-1")
    made.session("ses_two", cli.project.parent / "elsewhere", "Of another project")
    made.say("ses_two", "user", text("Hello"))
    made.session("ses_empty", cli.project, "Nothing was said")
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_sessions_of_this_project_move_over_once(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    path = original(cli, tmp_path / "old/mimocode.db").close()
    before = files(path.parent)
    preview = cli("session", "import-mimocode", str(path), "--dry-run")
    assert (preview.code, preview.out.splitlines()) == (
        0,
        [
            "Would import: ses_mimocode_one (2 messages) The login",
            "Would import: ses_mimocode_one_explore1 (2 messages) The login",
        ],
    ), preview.err
    assert json.loads(cli("session", "list", "--format", "json").out or "[]") == []
    done = cli("session", "import-mimocode", str(path.parent))
    assert done.code == 0, done.err
    assert [line.split(" (")[0] for line in done.out.splitlines()] == [
        "Imported session: ses_mimocode_one",
        "Imported session: ses_mimocode_one_explore1",
    ]
    again = cli("session", "import-mimocode", str(path))
    assert (again.code, again.out, again.err.count("imported before")) == (0, "", 2)
    assert files(path.parent) == before
    shown = cli("session", "show", "ses_mimocode_one").out
    for said in ("Why does the login fail?", "Let me look.", "E4711: the clock is wrong.", "It was interrupted."):
        assert said in shown
    assert "reminder" not in shown and "five minutes" not in shown
    assert cli("session", "verify", "ses_mimocode_one").code == 0
    went_on = cli("run", "-s", "ses_mimocode_one", "-m", cli.scenario([{"text": "It still is."}]), "And now?")
    assert (went_on.code, went_on.out) == (0, "It still is.\n"), went_on.err
    assert "ses_mimocode_two" in cli("session", "import-mimocode", str(path), "--all").out


def test_what_was_said_last_year_was_said_last_year(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    path = original(cli, tmp_path / "old/mimocode.db").close()
    assert cli("session", "import-mimocode", str(path)).code == 0
    store = SqliteStore(str(cli.home / ".local/share/mimocode/mimocode.db"))
    told = [(type(e.event).__name__, e.time * 1000 - DAY) for e in store.read("ses_mimocode_one")]
    assert told[:9] == [
        ("SessionStarted", 60_000),
        ("TurnStarted", 60_000),
        ("MessageAdded", 60_000),
        ("MessageAdded", 120_000),
        ("CallStarted", 130_000),
        ("CallFinished", 140_000),
        ("CallStarted", 140_000),
        ("CallFinished", 140_000),
        ("MessageAdded", 140_000),
    ]
    assert [hit.time * 1000 - DAY for hit in store.search("why login", session="ses_mimocode_one")] == [60_000]
    store.close()


def test_it_is_found_where_it_always_was_even_while_it_is_in_use(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    made = original(cli, cli.home / ".local/share/mimocode/mimocode.db")
    made.db.commit()  # in the write-ahead log, and open
    done = cli("session", "import-mimocode")
    assert (done.code, len(done.out.splitlines())) == (0, 2), done.err
    with closing(made.db):
        assert made.db.execute("SELECT count(*) FROM message").fetchone() == (5,)


def test_what_makes_no_sense_is_named_and_the_rest_taken(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    made = original(cli, tmp_path / "old.db")
    made.say("ses_one", "user", "{broken", text("And this?"), {"type": "tool", "state": 3})
    made.say("ses_one", "assistant", {"type": "tool", "callID": "c9", "state": "?"}, text("Yes."))
    done = cli("session", "import-mimocode", str(made.close()))
    assert done.code == 1
    assert "a part of message msg_0006 of session ses_one makes no sense" in done.err
    assert "a tool call of session ses_one makes no sense" in done.err
    assert "mimo: 2 things were skipped" in done.err
    assert "And this?" in cli("session", "show", "ses_mimocode_one").out


def test_a_damaged_database_and_one_of_somebody_else_are_named(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    damaged, foreign = tmp_path / "damaged.db", tmp_path / "foreign.db"
    damaged.write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    with closing(sqlite3.connect(foreign)) as db:
        db.execute("CREATE TABLE cats(name)")
    torn = original(cli, tmp_path / "torn.db")
    torn.say("ses_one", "user", text("x" * 40_000))
    path = torn.close()
    raw = bytearray(path.read_bytes())
    raw[-30_000:-20_000] = os.urandom(10_000)
    raw[4096 * 2 : 4096 * 4] = b"\xff" * 8192
    path.write_bytes(raw)
    for what, told in {
        damaged: "cannot be read",
        foreign: "is no database of the original",
        tmp_path / "no": "no database",
    }.items():
        done = cli("session", "import-mimocode", str(what))
        assert (done.code, told in done.err, "Traceback" in done.err) == (2, True, False), done.err
    done = cli("session", "import-mimocode", str(path))
    assert done.code in (1, 2) and str(path) in done.err and "Traceback" not in done.err, done.err
