"""The log in SQLite: what is written is read, one writer at a time, nothing edited unnoticed."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mimocode.errors import SessionBusy, StoreError
from mimocode.events import (
    AnyFact,
    CallFinished,
    CallStarted,
    Entry,
    MessageAdded,
    Noted,
    Rewound,
    SessionStarted,
    Titled,
    TurnEnded,
    TurnStarted,
)
from mimocode.host import Host
from mimocode.messages import Text, ToolCall, Usage, assistant, user
from mimocode.ports import SessionInfo
from mimocode_plugins.store.sqlite.place import locate
from mimocode_plugins.store.sqlite.schema import WAL_PAGES
from mimocode_plugins.store.sqlite.store import BATCH, SqliteStore

ROOT = Path(__file__).parents[3]
PATHS = f"import sys; sys.path[:0] = [{str(ROOT / 'kernel')!r}, {str(ROOT / 'plugins')!r}]\n"
IMPORTS = "from mimocode_plugins.store.sqlite.store import SqliteStore\nfrom mimocode.errors import SessionBusy\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "data" / "mimocode.db")


@pytest.fixture
def store(path: str) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path)) as opened:
        yield opened


def facts(store: SqliteStore, session: str = "s") -> list[Any]:
    return [entry.event for entry in store.read(session)]


def child(script: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process, which talks in lines."""
    return subprocess.Popen(
        [sys.executable, "-c", PATHS + IMPORTS + script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


HOLDS = """
store = SqliteStore(sys.argv[1])
with store.lease(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
print("given back", flush=True)
"""


# -- writing and reading ----------------------------------------------------------


def test_a_session_is_what_was_appended(store: SqliteStore) -> None:
    said = [
        SessionStarted("/project", "build", "acme/large", version="1"),
        TurnStarted(),
        MessageAdded(user("fix the parser")),
        MessageAdded(
            assistant("Looking.", ToolCall("c1", "read", {"path": "a.py"})), Usage(10, 3), "calls", "acme/large"
        ),
        CallStarted("c1"),
        CallFinished("c1", (Text("1: x = 1"),), display={"lines": 1}),
        TurnEnded("done"),
    ]
    before = time.time()
    written = [store.append("s", fact) for fact in said]

    assert list(store.read("s")) == written
    assert [(entry.seq, entry.event) for entry in written] == list(enumerate(said, start=1))
    assert all(before <= entry.time <= time.time() for entry in written)
    assert list(store.read("s", after=5)) == written[5:]
    assert list(store.read("nobody")) == []


def test_a_log_longer_than_a_batch_is_read_to_the_end(store: SqliteStore) -> None:
    for number in range(2 * BATCH):
        store.append("s", Rewound(number))
    assert facts(store) == [Rewound(number) for number in range(2 * BATCH)]


def test_reading_goes_on_while_facts_are_added(store: SqliteStore) -> None:
    for number in range(BATCH + 1):
        store.append("s", Rewound(number))
    seen = 0
    for entry in store.read("s"):
        seen += 1
        if entry.seq == 1:
            store.append("s", TurnStarted())
    assert seen == BATCH + 2


def test_the_list_of_sessions_follows_the_facts(store: SqliteStore) -> None:
    first = store.append("s1", SessionStarted("/a", "build"))
    store.append("s2", SessionStarted("/b", "build"))
    parented = store.append("s3", SessionStarted("/a", "explore", parent="s1"))
    last = store.append("s1", Titled("The parser"))

    assert parented == Entry("s3", 1, parented.time, SessionStarted("/a", "explore", parent="s1"), parent="s1")
    assert list(store.read("s3")) == [parented]
    assert store.sessions("/a") == [
        SessionInfo("s1", "/a", "The parser", first.time, last.time, "", 2),
        SessionInfo("s3", "/a", "", parented.time, parented.time, "s1", 1),
    ]
    assert [info.id for info in store.sessions()] == ["s1", "s3", "s2"]
    assert store.sessions("/nowhere") == []


def test_deleting_takes_children_and_theirs_along(store: SqliteStore) -> None:
    for name, parent in (("s", ""), ("s.1", "s"), ("s.1.1", "s.1"), ("other", "")):
        store.append(name, SessionStarted("/a", "build", parent=parent))
        store.append(name, MessageAdded(user(f"words of {name}")))

    assert store.delete("s") is True
    assert store.delete("s") is False
    assert [info.id for info in store.sessions()] == ["other"]
    assert [found.session for found in store.search("words")] == ["other"]
    assert facts(store, "s.1.1") == []


def test_what_was_deleted_is_not_in_the_file_any_more(path: str) -> None:
    with closing(SqliteStore(path)) as store:
        store.append("kept", MessageAdded(user("an ordinary sentence")))
        store.append("s", MessageAdded(user("my private sentence " * 1000)))
        store.delete("s")
    content = Path(path).read_bytes()
    assert b"an ordinary sentence" in content
    assert b"my private sentence" not in content


def test_half_a_surrogate_pair_does_not_stop_the_work(store: SqliteStore) -> None:
    entry = store.append("s", Noted("files", {"name": "a\udc80b", "list": ["\ud83d"], "ok": "\U0001f600"}))
    assert entry.event == Noted("files", {"name": "a\ufffdb", "list": ["\ufffd"], "ok": "\U0001f600"})
    assert facts(store) == [entry.event]


def test_a_reader_in_another_process_sees_what_is_written(store: SqliteStore, path: str) -> None:
    store.append("s", SessionStarted("/a", "build"))
    with closing(SqliteStore(path)) as reader, store.lease("s"):
        store.append("s", Titled("one"))
        assert facts(reader) == [SessionStarted("/a", "build"), Titled("one")]


# -- any facts at all -------------------------------------------------------------

ANY_TEXT = st.text(max_size=30)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)
ANY_OBJECT = st.dictionaries(ANY_TEXT, ANY_JSON, max_size=3)
ANY_CALL = st.builds(ToolCall, ANY_TEXT, ANY_TEXT, ANY_OBJECT, ANY_TEXT)
ANY_FACT: st.SearchStrategy[AnyFact] = st.one_of(
    st.builds(SessionStarted, ANY_TEXT, ANY_TEXT, parent=ANY_TEXT),
    st.builds(Titled, ANY_TEXT),
    st.builds(MessageAdded, st.builds(user, ANY_TEXT)),
    st.builds(MessageAdded, st.builds(assistant, ANY_TEXT, ANY_CALL), st.builds(Usage, st.integers(0, 9))),
    st.builds(CallFinished, ANY_TEXT, st.tuples(st.builds(Text, ANY_TEXT)), st.booleans(), st.none() | ANY_OBJECT),
    st.builds(Noted, ANY_TEXT, ANY_OBJECT),
    st.just(TurnStarted()),
)


@given(st.lists(ANY_FACT, max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_facts_are_read_as_they_were_written(said: list[AnyFact]) -> None:
    with closing(SqliteStore(":memory:")) as store:
        for fact in said:
            store.append("s", fact)
        assert facts(store) == said
        assert store.verify("s") == len(said)


class StoreLikeADictionary(RuleBasedStateMachine):
    """Appending, reading, deleting and reopening in any order, against a dictionary of lists."""

    names = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(TemporaryDirectory()))
        self.path = str(folder / "mimocode.db")
        self.store = SqliteStore(self.path)
        self.model: dict[str, list[Any]] = {}

    @rule(name=names, fact=ANY_FACT.filter(lambda fact: not isinstance(fact, SessionStarted)))
    def append(self, name: str, fact: AnyFact) -> None:
        with self.store.lease(name):
            entry = self.store.append(name, fact)
        self.model.setdefault(name, []).append(fact)
        assert entry.seq == len(self.model[name])

    @rule(name=names)
    def delete(self, name: str) -> None:
        assert self.store.delete(name) == (self.model.pop(name, None) is not None)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = SqliteStore(self.path)

    @invariant()
    def same(self) -> None:
        assert {info.id: facts(self.store, info.id) for info in self.store.sessions()} == self.model
        assert {name: self.store.verify(name) for name in self.model} == {n: len(f) for n, f in self.model.items()}

    def teardown(self) -> None:
        self.store.close()
        self.stack.close()


TestStoreLikeADictionary = StoreLikeADictionary.TestCase
TestStoreLikeADictionary.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# -- the hash chain ---------------------------------------------------------------


def written(path: str, count: int = 5) -> None:
    with closing(SqliteStore(path)) as store:
        store.append("s", SessionStarted("/a", "build"))
        for number in range(2, count + 1):
            store.append("s", Titled(f"title {number}"))


def test_an_untouched_log_verifies(path: str) -> None:
    written(path)
    with closing(SqliteStore(path)) as store:
        assert store.verify("s") == 5
        assert store.verify("nobody") == 0


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        ("UPDATE facts SET json=replace(json, 'title 3', 'title X') WHERE seq=3", "fact 3 was changed"),
        ("UPDATE facts SET time=time-3600 WHERE seq=4", "fact 4 was changed"),
        ("UPDATE facts SET type='session.started' WHERE seq=2", "fact 2 was changed"),
        ("UPDATE facts SET hash=zeroblob(32) WHERE seq=1", "fact 1 was changed"),
        ("DELETE FROM facts WHERE seq=3", "fact 3 is missing"),
        ("DELETE FROM facts WHERE seq=1", "fact 1 is missing"),
        ("DELETE FROM facts WHERE seq>3", "fact 4 and what follows are missing"),
        ("DELETE FROM facts", "fact 1 and what follows are missing"),
        ("UPDATE sessions SET facts=4", "fact 5 was added past the recorded end"),
        ("UPDATE sessions SET hash=zeroblob(32)", "fact 5 does not match the hash that was recorded last"),
        ("DELETE FROM sessions", "fact 5 is there, but the session's record is missing"),
    ],
)
def test_an_edit_is_named(path: str, edit: str, named: str) -> None:
    written(path)
    with closing(sqlite3.connect(path)) as vandal:
        vandal.execute(edit)
        vandal.commit()
    with closing(SqliteStore(path)) as store, pytest.raises(StoreError) as caught:
        store.verify("s")
    assert str(caught.value).startswith("the log of session s was edited: " + named)


def test_two_facts_that_changed_places_are_noticed(path: str) -> None:
    written(path)
    with closing(sqlite3.connect(path)) as vandal:
        for before, after in ((2, 99), (3, 2), (99, 3)):
            vandal.execute("UPDATE facts SET seq=? WHERE seq=?", (after, before))
        vandal.commit()
    with closing(SqliteStore(path)) as store, pytest.raises(StoreError, match="fact 2 was changed"):
        store.verify("s")


# -- history ----------------------------------------------------------------------


def test_history_finds_words_of_users_models_calls_and_errors(store: SqliteStore) -> None:
    store.append("s", SessionStarted("/a", "build"))
    store.append("s", MessageAdded(user("why does parse_row lose the last field?")))
    call = ToolCall("c1", "bash", {"command": "pytest -q\nruff check", "timeout": 5})
    store.append("s", MessageAdded(assistant("The comma is swallowed.", call)))
    store.append("s", CallFinished("c1", (Text("quiet success"),)))
    store.append("s", CallFinished("c1", (Text("ModuleNotFoundError: pandas"),), error=True))
    store.append("s", MessageAdded(user("remember the todo list", origin="reminder")))

    def hits(query: str, **filters: Any) -> list[tuple[int, str, str]]:
        return [(found.seq, found.kind, found.tool) for found in store.search(query, **filters)]

    assert hits("fields parse_row") == [(2, "user_text", "")]  # stemmed, identifiers found
    assert hits("swallows") == [(3, "assistant_text", "")]
    assert hits("ruff") == [(3, "tool_input", "bash")]
    assert hits("ModuleNotFoundError") == [(5, "tool_error", "")]
    assert hits("quiet") == hits("todo") == hits('" AND (') == hits("\0\udc80") == hits("") == []
    assert hits("ruff", session="other") == hits("ruff", directory="/b") == hits("ruff", kinds=["user_text"]) == []
    assert hits("ruff", session="s", directory="/a", kinds=["tool_input"]) == [(3, "tool_input", "bash")]
    assert hits("swallowed unicorns") == [(3, "assistant_text", "")]  # no text has both words


def test_history_finds_parts_of_chinese_sentences(store: SqliteStore) -> None:
    store.append("s", MessageAdded(user("修复 parser 的内存泄漏问题")))
    assert [found.text for found in store.search("内存")] == ["修复 parser 的内存泄漏问题"]
    assert store.search("泄内") == []


# -- one writer -------------------------------------------------------------------


def test_a_session_held_elsewhere_is_refused_in_one_sentence(store: SqliteStore, path: str) -> None:
    with child(HOLDS, path, "s") as other:
        assert other.stdout and other.stdin
        assert other.stdout.readline() == "held\n"
        clock = r"\d\d:\d\d"
        sentence = (
            rf"session s is open in another process \(pid {other.pid} since {clock}\); close it there or use --fork"
        )
        with pytest.raises(SessionBusy, match=f"^{sentence}$") as caught, store.lease("s"):
            pass
        assert caught.value.owner == f"pid {other.pid}"
        with pytest.raises(SessionBusy, match=sentence):
            store.append("s", TurnStarted())
        with store.lease("another"):
            store.append("another", TurnStarted())
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "given back\n"
        with store.lease("s"):
            assert store.append("s", TurnStarted()).seq == 1


def test_a_session_that_another_process_works_in_is_not_deleted(store: SqliteStore, path: str) -> None:
    store.append("root", SessionStarted("/a", "build"))
    store.append("kid", SessionStarted("/a", "build", parent="root"))
    with child(HOLDS, path, "kid") as other:
        assert other.stdout and other.stdin
        other.stdout.readline()
        with pytest.raises(SessionBusy, match="session kid is open in another process"):
            store.delete("root")
        other.stdin.write("\n")
        other.stdin.flush()
        other.stdout.readline()
    assert store.delete("root")


def test_a_killed_holder_is_replaced_at_once(store: SqliteStore, path: str) -> None:
    with child(HOLDS, path, "s") as other:
        assert other.stdout
        other.stdout.readline()
        other.kill()
        while Path(f"/proc/{other.pid}/stat").exists():  # it stays as a zombie until it is waited for
            if Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
        with store.lease("s"):
            store.append("s", TurnStarted())


def test_the_same_process_cannot_hold_a_session_twice(store: SqliteStore, path: str) -> None:
    with store.lease("s"):
        with pytest.raises(SessionBusy, match="session s is already open in this process"), store.lease("s"):
            pass
        with (
            closing(SqliteStore(path)) as second,
            pytest.raises(SessionBusy, match="already open in this process"),
            second.lease("s"),
        ):
            pass
    with store.lease("s"):
        pass


@pytest.mark.parametrize(
    ("change", "free"),
    [
        ("pid=4194304 + 7", True),  # no such process
        ("started='1'", True),  # the process id belongs to someone else by now
        ("machine='elsewhere', host='elsewhere'", False),
        ("machine='elsewhere', host='elsewhere', beat=beat-31", True),
        ("started=''", False),  # a system without /proc: the process is there and the beat is fresh
        ("started='', beat=beat-31", True),
    ],
)
def test_who_counts_as_alive(store: SqliteStore, path: str, change: str, free: bool) -> None:
    with child(HOLDS, path, "s") as other, closing(sqlite3.connect(path)) as db:
        assert other.stdout
        other.stdout.readline()
        db.execute(f"UPDATE leases SET {change}")
        db.commit()
        if free:
            with store.lease("s"):
                store.append("s", TurnStarted())
        else:
            with pytest.raises(SessionBusy), store.lease("s"):
                pass
        other.kill()


def test_who_lost_the_lease_may_not_write(store: SqliteStore, path: str) -> None:
    with store.lease("s"):
        store.append("s", TurnStarted())
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE leases SET owner='someone', pid=1, started='1'")
            db.commit()
        with pytest.raises(SessionBusy, match=r"session s is open in another process \(pid 1 since"):
            store.append("s", TurnStarted())
    assert len(facts(store)) == 1


def test_who_deleted_the_session_under_itself_is_told(store: SqliteStore) -> None:
    with store.lease("s"):
        store.append("s", TurnStarted())
        store.delete("s")
        with pytest.raises(SessionBusy, match="session s was deleted or taken over while it was open"):
            store.append("s", TurnStarted())


RACE = """
store = SqliteStore(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    with store.lease("s"):
        print("won", flush=True)
        sys.stdin.readline()
except SessionBusy:
    print("refused", flush=True)
"""


def test_of_processes_that_race_exactly_one_wins(path: str) -> None:
    with ExitStack() as stack:
        racers = [stack.enter_context(child(RACE, path)) for _ in range(5)]  # they also race to create the file
        for racer in racers:
            assert racer.stdout and racer.stdout.readline() == "ready\n", racer.stderr and racer.stderr.read()
        for racer in racers:
            assert racer.stdin
            racer.stdin.write("\n")
            racer.stdin.flush()
        assert sorted(racer.stdout.readline() for racer in racers if racer.stdout) == ["refused\n"] * 4 + ["won\n"]


def test_of_threads_that_race_exactly_one_wins(store: SqliteStore) -> None:
    won, all_tried = [], threading.Barrier(8)

    def race() -> None:
        try:
            with store.lease("s"):
                won.append(True)
                all_tried.wait()
        except SessionBusy:
            all_tried.wait()

    threads = [threading.Thread(target=race) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [True]


def test_two_processes_write_two_sessions_of_one_file(path: str) -> None:
    script = """
from mimocode.events import Titled
store = SqliteStore(sys.argv[1])
with store.lease(sys.argv[2]):
    for number in range(300):
        store.append(sys.argv[2], Titled(str(number)))
store.close()
"""
    with child(script, path, "one") as one, child(script, path, "two") as two:
        assert [process.communicate()[1] for process in (one, two)] == ["", ""]
    with closing(SqliteStore(path)) as store:
        assert [store.verify(name) for name in ("one", "two")] == [300, 300]


def test_a_heart_beats_only_while_a_lease_is_held(path: str) -> None:
    def hearts() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "session leases"]

    with closing(SqliteStore(path, beat=0.01)) as store, closing(sqlite3.connect(path)) as db:
        assert hearts() == []
        with store.lease("s"), store.lease("t"):
            (thread,) = hearts()
            query = "SELECT min(beat) FROM leases"
            (first,) = db.execute(query).fetchone()
            give_up = time.monotonic() + 60
            while db.execute(query).fetchone() == (first,):
                assert time.monotonic() < give_up
        thread.join(60)
        assert hearts() == []
        assert db.execute("SELECT count(*) FROM leases").fetchone() == (0,)


# -- the file ---------------------------------------------------------------------


def test_the_file_is_readable_by_its_owner_alone(store: SqliteStore, path: str) -> None:
    store.append("s", TurnStarted())
    modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in Path(path).parent.iterdir()}
    assert modes == {"mimocode.db": 0o600, "mimocode.db-wal": 0o600, "mimocode.db-shm": 0o600}


def test_the_write_ahead_log_stays_small_and_goes_at_the_end(path: str) -> None:
    with closing(SqliteStore(path)) as store:
        for number in range(1500):
            store.append("s", CallFinished(str(number), (Text("x" * 20_000),)))
        assert os.path.getsize(f"{path}-wal") < 4 * WAL_PAGES * 4096 < os.path.getsize(path)
    assert os.listdir(Path(path).parent) == ["mimocode.db"]


def test_appending_costs_the_same_at_any_length(store: SqliteStore) -> None:
    def statements() -> int:
        seen: list[str] = []
        store._db.set_trace_callback(seen.append)
        store.append("s", TurnStarted())
        store._db.set_trace_callback(None)
        return len(seen)

    store.append("s", SessionStarted("/a", "build"))
    few = statements()
    for number in range(3000):
        store.append("s", Titled(str(number)))
    assert statements() == few < 10


def test_where_the_file_is(tmp_path: Path) -> None:
    assert locate(tmp_path) == str(tmp_path / "mimocode.db")
    assert locate(tmp_path, "mine.db") == str(tmp_path / "mine.db")
    assert locate(tmp_path, "/elsewhere/mine.db") == "/elsewhere/mine.db"
    assert locate(tmp_path, ":memory:") == ":memory:"
    SqliteStore(locate(tmp_path)).close()
    assert locate(tmp_path) == str(tmp_path / "mimocode.db")


def test_the_original_program_keeps_its_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mimocode.db")) as theirs:
        theirs.execute("CREATE TABLE session(id TEXT PRIMARY KEY)")
        theirs.commit()
    before = (tmp_path / "mimocode.db").read_bytes()
    ours = locate(tmp_path)
    assert ours == str(tmp_path / "mimocode-log.db")
    SqliteStore(ours).close()
    os.rename(tmp_path / "mimocode.db", tmp_path / "gone.db")
    assert locate(tmp_path) == ours
    assert (tmp_path / "gone.db").read_bytes() == before


def test_looking_at_the_plugin_does_not_load_sqlite() -> None:
    script = PATHS + "import mimocode_plugins.store.sqlite; print('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "False\n"


async def test_a_host_keeps_its_sessions_here(tmp_path: Path) -> None:
    def host() -> Host:
        environ = {"MIMOCODE_HOME": str(tmp_path), "MIMOCODE_DB": "mine.db"}
        return Host(
            ["mimocode_plugins.store.sqlite", "mimocode_plugins.store.workspace"],
            directory=tmp_path,
            environ=environ,
            external=False,
        )

    first, second = host(), host()
    async with first.open(title="The parser") as session:
        with pytest.raises(SessionBusy, match=f"session {session.id} is already open in this process"):
            async with second.open(session.id):
                pass
    async with second.open(session.id) as again:
        assert again.state == session.state
    async with second.open(fork=session.id) as copy:
        assert copy.state.title == "The parser"
    assert [(info.id, info.facts) for info in (await second.store()).sessions(str(tmp_path))] == [
        (copy.id, 2),
        (session.id, 2),
    ]
    first.close()
    second.close()
    assert os.listdir(tmp_path / "data") == ["mine.db"]
