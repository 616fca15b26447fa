"""`kill -9` at any instant of a job, and on with it: nothing that was shown is lost, nothing is half done."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from mimocode_plugins.store.sqlite.store import SqliteStore
from support import longrun
from support.cli import Cli
from support.model_server import ModelServer
from support.model_server.wire import Step

SEED = 20
RUN = ("run", "--yolo", "--format", "json")


@dataclass(frozen=True)
class Instant:
    """When to kill: after `count` of something, and `more` seconds later."""

    what: str
    count: int = 0
    more: float = 0.0


def instants(number: int, chance: random.Random) -> list[Instant]:
    """Spread over the whole run, by four clocks that see different moments of it."""
    made = []
    for n in range(number):
        share = (n + chance.random()) / number
        made.append(
            (
                Instant("request", 1 + int(share * longrun.STEPS), chance.uniform(0, 0.05)),
                Instant("fact", 1 + int(share * 118), chance.uniform(0, 0.003)),
                Instant("line", 1 + int(share * 116), chance.uniform(0, 0.02)),
                Instant("time", 0, 0.3 + share * 2),
            )[n % 4]
        )
    return made


class Reader:
    """Reads a run's standard output as a terminal would: as it comes, through a pipe."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.out = b""
        self._pipe = process.stdout
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self) -> None:
        assert self._pipe
        while chunk := self._pipe.read1(65536):  # type: ignore[attr-defined]
            self.out += chunk

    def end(self) -> bytes:
        """Everything there was, once nobody can write any more."""
        self.thread.join(10)
        assert not self.thread.is_alive(), "something that outlived the run holds its standard output"
        return self.out


def killed(cli: Cli, server: ModelServer, instant: Instant, mark: str) -> bytes:
    """Start the job, kill it at the instant, and return what it had printed."""
    process = cli.start(*RUN, "do the job", **longrun.environment(mark))
    with process:
        reader = Reader(process)
        counted = {
            "request": lambda: len(server.requests),
            "line": lambda: reader.out.count(b"\n"),
            "fact": lambda: longrun.count_facts(longrun.database(cli)),
            "time": lambda: 0,
        }[instant.what]
        while counted() < instant.count and process.poll() is None:
            time.sleep(0.0005)
        at = time.monotonic() + instant.more
        while time.monotonic() < at:
            time.sleep(0.0005)
        process.kill()
        assert process.stderr
        error = process.stderr.read()
        assert b"Traceback" not in error, error.decode()
    return reader.end()


def kill_and_go_on(template: Path, folder: Path, number: int, instant: Instant) -> None:
    """One instant, with everything that must be true afterwards."""
    shutil.copytree(template, folder, symlinks=True)
    cli, mark = Cli(folder), f"kill-{number}-{folder}"
    with ModelServer(longrun.job()) as server:
        longrun.connect(cli, server)
        shown = killed(cli, server, instant, mark)
        longrun.wait_until(lambda: not longrun.living(mark))
        assert longrun.wrong_files(cli.project) == []
        began = longrun.count_facts(longrun.database(cli)) > 0
        if number % 5:  # the others do the rest of the job
            server.steps = [Step.of({"text": longrun.LAST})] * longrun.STEPS
        after = cli(*RUN, "--continue", "go on")
        refused = [request.refused for request in server.requests if request.refused]
        kept = server.prefix_kept()
    if not began:
        assert (shown, after.code, after.lines[0]["error"]["name"]) == (b"", 2, "UsageError")
        return
    assert (after.code, after.err, refused) == (0, "", [])
    assert after.lines[-2]["part"]["text"] == longrun.LAST
    assert kept == [1.0] * len(kept)
    export = cli("session", "export")
    assert (export.code, export.err) == (0, "")
    parcel = json.loads(export.out)
    assert longrun.lost(shown + after.out.encode(), parcel) == []
    assert sum(row["fact"]["type"] == "turn.started" for row in parcel["facts"]) in (1, 2)
    with closing(SqliteStore(str(longrun.database(cli)))) as store:
        assert store.verify(parcel["info"]["id"]) == len(parcel["facts"])
    assert longrun.wrong_files(cli.project) == []


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A home and a project, ready to be copied."""
    with ModelServer([]) as server:
        longrun.prepare(Cli(tmp_path / "template"), server)
    return tmp_path / "template"


def all_instants(template: Path, tmp_path: Path, number: int) -> None:
    """Two at a time; every failure is told with its instant."""
    chosen = instants(number, random.Random(SEED))
    with ThreadPoolExecutor(2) as pool:
        tries = {
            pool.submit(kill_and_go_on, template, tmp_path / f"run-{n}", n, instant): (n, instant)
            for n, instant in enumerate(chosen)
        }
        failed = [(*tries[done], repr(error)[:3000]) for done in tries if (error := done.exception())]
    assert failed == []


def test_a_job_that_is_killed_goes_on(template: Path, tmp_path: Path) -> None:
    all_instants(template, tmp_path, 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_that_is_killed_at_any_of_fifty_instants_goes_on(template: Path, tmp_path: Path) -> None:
    all_instants(template, tmp_path, 50)


def test_what_a_killed_run_had_started_is_dead_soon(template: Path, tmp_path: Path) -> None:
    """A command in the foreground with a child that ignores requests to end, and one in the background."""
    cli, mark = Cli(template), f"survivors-{tmp_path}"
    command = "echo counted 4711 sheep; trap '' TERM HUP INT; sleep 300 & echo $$ > started; sleep 300"
    with ModelServer([{"calls": [longrun.bash(command)]}, {"text": "Then not."}]) as server:
        longrun.connect(cli, server)
        process = cli.start(*RUN, "wait", **longrun.environment(mark))
        with process:
            longrun.wait_until((cli.project / "started").exists, process)
            assert len(longrun.living(mark)) >= 4
            longrun.wait_until(lambda: list((cli.home / ".local/share/mimocode/partial").glob("*.calls")), process)
            process.kill()
            process.communicate(timeout=60)
        longrun.wait_until(lambda: not longrun.living(mark))
        after = cli(*RUN, "--continue", "go on")
    assert (after.code, after.lines[-2]["part"]["text"]) == (0, "Then not.")
    told = server.requests[-1].body["messages"][-2]
    assert told["role"] == "tool" and told["content"].startswith("Interrupted: this call was cut short")
    assert told["content"].endswith("Until then it had printed:\ncounted 4711 sheep\n")
    assert list((cli.home / ".local/share/mimocode/partial").iterdir()) == []
