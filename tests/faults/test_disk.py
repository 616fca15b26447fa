"""What disks and other programs do to a run: one sentence, the right exit code, and what was shown is kept."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support import longrun
from support.cli import Cli, Done
from support.model_server import ModelServer

LONG = 40_000
"""Characters of an answer: some forty of them fill the disk."""


def said(err: str) -> set[str]:
    """The lines on stderr; the sentence may come from the session and again from the command."""
    return set(err.splitlines())


def told(done: Done, sentence: str, code: int = 1) -> None:
    """The run ended with this one sentence and nothing else."""
    assert re.fullmatch(f"mimo: {sentence}\n", done.err), done.err
    assert (done.code, done.out) == (code, "")


def job() -> list[dict[str, object]]:
    """Long answers, each with a command."""
    steps = [{"text": f"{n} " + "w" * LONG, "chunk": LONG, "calls": [longrun.bash(f"echo {n}")]} for n in range(60)]
    return [*steps, {"text": longrun.LAST}]


def run(cli: Cli, *words: str, before: tuple[str, ...] = (), **env: str) -> Done:
    """`mimo` started by another program (which limits something)."""
    command = [*before, sys.executable, "-m", "mimocode.main", *words]
    ran = subprocess.run(
        command,
        cwd=cli.project,
        env=cli.env | env,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    return Done(ran.returncode, ran.stdout, ran.stderr, 0)


DISK = r"mimo: the disk that holds \S+/mimocode.db .*full.*[:;] what was shown so far is kept"

# -- full -------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of three megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def ended_by_the_disk(cli: Cli, done: Done, **env: str) -> None:
    """The sentence, once; everything that was shown is in the log; with room again the session goes on."""
    assert done.code == 1, done.err
    assert said(done.err) == said(re.search(DISK, done.err)[0])  # type: ignore[index]
    assert [line["error"]["name"] for line in done.lines if line["type"] == "error"] == ["StoreError"]
    assert len([line for line in done.lines if line["type"] == "text"]) >= 3
    after = run(cli, "run", "--yolo", "--continue", "--format", "json", "go on", **env)
    assert (after.code, after.err) == (0, "")
    assert after.lines[-2]["part"]["text"] == longrun.LAST
    export = run(cli, "session", "export", **env)
    assert longrun.lost((done.out + after.out).encode(), json.loads(export.out)) == []
    assert run(cli, "session", "verify", **env).code == 0


def test_a_disk_that_fills_up_during_a_run(cli: Cli, small_disk: Path) -> None:
    home = str(small_disk / "mimo")
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2_000_000)
    with ModelServer(job()) as server:
        longrun.connect(cli, server)
        shutil.copytree(cli.home / ".config/mimocode", Path(home) / "config")
        done = run(cli, "run", "--yolo", "--format", "json", "go", MIMOCODE_HOME=home)
        ballast.unlink()
        server.steps = server.steps[-1:] * 61
        ended_by_the_disk(cli, done, MIMOCODE_HOME=home)
        assert [request.refused for request in server.requests if request.refused] == []


def test_a_limit_on_the_size_of_files(cli: Cli) -> None:
    with ModelServer(job()) as server:
        longrun.connect(cli, server)
        limited = ("bash", "-c", 'ulimit -f 1000; exec "$@"', "limited")
        done = run(cli, "run", "--yolo", "--format", "json", "go", before=limited)
        server.steps = server.steps[-1:] * 61
        ended_by_the_disk(cli, done)


# -- not ours to write ------------------------------------------------------------

CANNOT = r"{0} cannot be written; make it and its directory writable or set MIMOCODE_DB"


def ordinary() -> tuple[str, ...]:
    """Starts a program as a user who may not do everything."""
    if os.geteuid():
        return ()
    if not shutil.which("setpriv"):
        pytest.skip("root may write everything and there is no setpriv")
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")


def test_a_data_directory_that_is_read_only(cli: Cli) -> None:
    model = cli.scenario([{"text": "Hi."}])
    data = longrun.database(cli).parent
    data.mkdir(parents=True)
    data.chmod(0o500)
    told(run(cli, "run", "-m", model, "hi", before=ordinary()), CANNOT.format(data / "mimocode.db"))
    data.chmod(0o700)
    assert cli("run", "-m", model, "hi").code == 0
    (data / "mimocode.db").chmod(0o400)
    told(run(cli, "run", "-m", model, "hi", before=ordinary()), CANNOT.format(data / "mimocode.db"))
    assert cli("session", "verify").code == 0


def test_a_home_that_does_not_exist_is_made(cli: Cli) -> None:
    home = cli.home / "gone" / "deeper"
    done = cli("run", "-m", cli.scenario([{"text": "Hi."}]), "hi", HOME=str(home))
    assert (done.code, done.out) == (0, "Hi.\n") and "mimo:" not in done.err
    assert (home / ".local/share/mimocode/mimocode.db").exists()


def test_a_home_that_cannot_be_made_is_a_sentence(cli: Cli) -> None:
    model = cli.scenario([{"text": "Hi."}])
    told(cli("run", "-m", model, "hi", HOME="/dev/null"), r"/dev/null/\S+ cannot be opened: Not a directory")
    cli.home.chmod(0o500)
    gone = str(cli.home / "gone")
    done = run(cli, "run", "-m", model, "hi", before=ordinary(), HOME=gone)
    cli.home.chmod(0o700)
    told(done, CANNOT.format(gone + r"/\S+/mimocode.db"))


# -- locked -----------------------------------------------------------------------

LOCKED = r"\S+/mimocode.db stayed locked by another process for 4 s; close that one or try again"


def test_a_log_that_another_program_keeps_locked(cli: Cli) -> None:
    model = cli.scenario([{"text": "Hi."}])
    assert cli("run", "-m", model, "hi").code == 0
    with closing(sqlite3.connect(longrun.database(cli))) as other:
        other.execute("BEGIN IMMEDIATE")
        done = cli("run", "-m", model, "hi", timeout=90)
        told(done, LOCKED)
        assert done.seconds < 60
    assert cli("run", "--continue", "-m", model, "hi").code == 0


def test_a_log_that_another_program_locks_before_it_is_made(cli: Cli) -> None:
    longrun.database(cli).parent.mkdir(parents=True)
    with closing(sqlite3.connect(longrun.database(cli))) as other:
        other.execute("BEGIN EXCLUSIVE")
        done = cli("run", "-m", cli.scenario([{"text": "Hi."}]), "hi", timeout=90)
        told(done, LOCKED)


def test_a_log_that_another_program_locks_during_a_run(cli: Cli) -> None:
    wait = "touch started; until [ -e go ]; do sleep 0.01; done; echo went on"
    with ModelServer([{"calls": [longrun.bash(wait)]}, {"text": longrun.LAST}]) as server:
        longrun.connect(cli, server)
        process = cli.start("run", "--yolo", "--format", "json", "go")
        longrun.wait_until((cli.project / "started").exists, process)
        with closing(sqlite3.connect(longrun.database(cli))) as other:
            other.execute("BEGIN IMMEDIATE")
            (cli.project / "go").touch()
            out, err = process.communicate(timeout=30)
        assert process.returncode == 1
        (sentence,) = said(err.decode())
        assert re.fullmatch(f"mimo: {LOCKED}", sentence)
        ended = Done(process.returncode, out.decode(), err.decode(), 0)
        assert [line["type"] for line in ended.lines] == ["step_start", "error"]
        after = cli("run", "--continue", "--yolo", "go on")
        assert (after.code, after.out) == (0, f"{longrun.LAST}\n"), after.err


# -- damaged ----------------------------------------------------------------------


def test_a_damaged_log(cli: Cli) -> None:
    path, model = longrun.database(cli), cli.scenario([{"text": "Hi."}])
    assert cli("run", "-m", model, "hi").code == 0
    good = path.read_bytes()
    notes = b"these are my notes, not a database\n" * 50
    path.write_bytes(notes)
    damaged = rf"{path} is damaged or not a database \(.*\); move it away or restore a backup of it"
    for words in (["run", "-m", model, "hi"], ["session", "list"], ["run", "--continue", "hi"]):
        told(cli(*words), damaged)
    assert path.read_bytes() == notes
    path.write_bytes(good[:4096] + os.urandom(len(good) - 4096))
    told(cli("run", "--continue", "-m", model, "hi"), damaged)
