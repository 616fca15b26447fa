"""When the disk, the file or another process fails: one clear sentence, and what was written stays."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mimocode.errors import StoreError
from mimocode.events import CallFinished, MessageAdded, SessionStarted, Titled, TurnStarted
from mimocode.messages import Text, user
from mimocode_plugins.store.sqlite.schema import SCHEMA
from mimocode_plugins.store.sqlite.store import SqliteStore

ROOT = Path(__file__).parents[2]
PATHS = f"import sys; sys.path[:0] = [{str(ROOT / 'kernel')!r}, {str(ROOT / 'plugins')!r}]\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "mimocode.db")


def fails(sentence: str) -> pytest.RaisesExc[StoreError]:
    return pytest.raises(StoreError, match=f"^{sentence}$")


# -- full -------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_keeps_what_was_written_and_work_goes_on_when_there_is_room(small_disk: Path) -> None:
    path = str(small_disk / "mimocode.db")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 300_000)
    with closing(SqliteStore(path)) as store:
        count = 0
        with store.lease("s"):
            with pytest.raises(StoreError) as caught:
                for count in range(1000):
                    store.append("s", MessageAdded(user(f"{count} " + "word " * 1000)))
            assert path in str(caught.value) and "is full" in str(caught.value) and "\n" not in str(caught.value)
            assert count > 5
            with pytest.raises(StoreError, match="full"):
                store.append("s", CallFinished("c", (Text("x" * 500_000),)))
            assert [entry.seq for entry in store.read("s")] == list(range(1, count + 1))
            ballast.unlink()
            assert store.append("s", TurnStarted()).seq == count + 1
        assert store.verify("s") == count + 1
    with closing(SqliteStore(path)) as store:
        assert store.verify("s") == count + 1


def test_a_limit_of_the_file_size_is_a_sentence(path: str) -> None:
    script = (
        PATHS
        + f"""
import resource
from mimocode.errors import StoreError
from mimocode.events import Titled
from mimocode_plugins.store.sqlite.store import SqliteStore
store = SqliteStore({path!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    for number in range(10_000):
        store.append("s", Titled("x" * 1000))
except StoreError as error:
    print(number, error)
"""
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.stderr == ""
    count, _, sentence = ran.stdout.strip().partition(" ")
    assert sentence == f"the disk that holds {path} fails or is full (disk I/O error); what was shown so far is kept"
    with closing(SqliteStore(path)) as store:
        assert store.verify("s") == int(count) > 10


# -- not ours to write ------------------------------------------------------------


def unprivileged(script: str) -> str:
    """What a script prints when it runs as a user who may not do everything."""
    command = [sys.executable, "-c", PATHS + script]
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            pytest.skip("root may write everything and there is no setpriv")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", *command]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.stderr == ""
    return ran.stdout


TRIES = """
from mimocode.errors import StoreError
from mimocode.events import TurnStarted
from mimocode_plugins.store.sqlite.store import SqliteStore
try:
    store = SqliteStore(PATH)
    store.append("s", TurnStarted())
    print("written")
except StoreError as error:
    print(error)
"""


def test_a_read_only_directory_is_a_sentence(tmp_path: Path) -> None:
    place = tmp_path / "fixed"
    place.mkdir(mode=0o500)
    for path in (place / "mimocode.db", place / "deeper" / "mimocode.db"):
        told = unprivileged(TRIES.replace("PATH", repr(str(path))))
        assert told == f"{path} cannot be written; make it and its directory writable or set MIMOCODE_DB\n"


def test_a_read_only_file_is_a_sentence(path: str) -> None:
    SqliteStore(path).close()
    os.chmod(path, 0o400)
    told = unprivileged(TRIES.replace("PATH", repr(path)))
    assert told == f"{path} cannot be written; make it and its directory writable or set MIMOCODE_DB\n"


def test_a_directory_in_place_of_the_file_is_a_sentence(tmp_path: Path) -> None:
    with fails(f"{tmp_path} cannot be written; make it and its directory writable or set MIMOCODE_DB"):
        SqliteStore(str(tmp_path))


def test_a_file_in_place_of_the_directory_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with fails(f"{tmp_path}/data/mimocode.db cannot be opened: .*"):
        SqliteStore(str(tmp_path / "data" / "mimocode.db"))


# -- locked -----------------------------------------------------------------------


def test_a_lock_that_lasts_is_a_sentence_and_the_next_append_works(path: str) -> None:
    with closing(SqliteStore(path, patience=0.05)) as store, closing(sqlite3.connect(path)) as other:
        store.append("s", TurnStarted())
        other.execute("BEGIN IMMEDIATE")
        with fails(f"{path} stayed locked by another process for 0.05 s; close that one or try again"):
            store.append("s", TurnStarted())
        assert [entry.seq for entry in store.read("s")] == [1]
        other.execute("ROLLBACK")
        assert store.append("s", TurnStarted()).seq == 2


# -- damaged, foreign, newer ------------------------------------------------------


def test_a_file_that_is_no_database_is_a_sentence_and_stays(path: str) -> None:
    Path(path).write_bytes(b"these are my notes, not a database\n" * 50)
    with fails(rf"{path} is damaged or not a database \(file is not a database\); move it away .*"):
        SqliteStore(path)
    assert Path(path).read_bytes() == b"these are my notes, not a database\n" * 50


def test_a_database_with_broken_pages_is_a_sentence(path: str) -> None:
    with closing(SqliteStore(path)) as store:
        for number in range(100):
            store.append("s", Titled("x" * 1000 + str(number)))
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    with pytest.raises(StoreError, match="damaged"), closing(SqliteStore(path)) as store:
        store.append("s", TurnStarted())


def test_another_programs_database_is_left_alone(path: str) -> None:
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE shopping(item)")
        theirs.commit()
    before = Path(path).read_bytes()
    with fails(f"{path} is another program's database; set MIMOCODE_DB to a file of its own"):
        SqliteStore(path)
    assert Path(path).read_bytes() == before


def test_a_newer_schema_is_a_sentence(path: str) -> None:
    SqliteStore(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version={SCHEMA + 1}")
    with pytest.raises(StoreError, match=f"^{path} was written by a newer version of MiMo Code"):
        SqliteStore(path)


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ('{"type":"dream.dreamt"}', "fact 2 of session s was written by a newer version of MiMo Code .*"),
        ('{"type":"session.titled"', "fact 2 of session s in .* is damaged .*"),
        ("", "fact 2 of session s in .* is damaged .*"),
    ],
)
def test_a_fact_that_cannot_be_read_is_a_sentence(path: str, raw: str, sentence: str) -> None:
    with closing(SqliteStore(path)) as store:
        store.append("s", SessionStarted("/a", "build"))
        store.append("s", Titled("x"))
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE facts SET json=? WHERE seq=2", (raw,))
            db.commit()
        with fails(sentence):
            list(store.read("s"))
        assert store.sessions()[0].title == "x"


def test_a_closed_store_is_a_sentence_and_closing_twice_is_fine(path: str) -> None:
    store = SqliteStore(path)
    with store.lease("s"):
        store.close()
    store.close()
    with fails(f"{path} is closed already"):
        store.append("s", TurnStarted())


# -- killed -----------------------------------------------------------------------

WRITES = """
from mimocode.events import MessageAdded
from mimocode.messages import user
from mimocode_plugins.store.sqlite.store import SqliteStore
store = SqliteStore(sys.argv[1])
with store.lease("s"):
    while True:
        entry = store.append("s", MessageAdded(user("some words about a parser " * 40)))
        print(entry.seq, flush=True)
"""


def test_kill_at_any_instant_loses_nothing_that_was_shown(path: str) -> None:
    shown, chance = 0, random.Random(7)
    for _ in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", PATHS + WRITES, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout and writer.stderr
            for _ in range(chance.randrange(1, 400)):
                line = writer.stdout.readline()
                assert line, writer.stderr.read()
                shown = int(line)
            writer.send_signal(signal.SIGKILL)
            shown = max([shown, *(int(line) for line in writer.stdout.read().split("\n") if line)])
        with closing(SqliteStore(path)) as store:
            kept = store.verify("s")
            assert kept in (shown, shown + 1)  # the last one may have been written and not yet shown
            assert [entry.seq for entry in store.read("s")] == list(range(1, kept + 1))
