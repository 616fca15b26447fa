"""Several processes on one log: one writer a session, as many sessions and readers as there are."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

from support import longrun
from support.cli import Cli
from support.model_server import ModelServer

WAITS = "touch started; until [ -e go ]; do sleep 0.01; done; echo went on"


def patient(cli: Cli) -> str:
    """A model whose command waits until the test lets it go on."""
    return cli.scenario([{"calls": [longrun.bash(WAITS)]}, {"text": "Done: ${result}"}])


def test_the_second_process_on_a_session_is_refused_and_the_first_goes_on(cli: Cli) -> None:
    first = cli.start("run", "--yolo", "-m", patient(cli), "one")
    longrun.wait_until((cli.project / "started").exists, first)
    said = r"mimo: session (ses_\w+) is open in another process \(pid (\d+) since \d\d:\d\d\); close it there or use --fork\n"
    for words in (["run", "--continue", "two"], ["session", "delete", "last"]):
        second = cli(*words)
        assert (second.code, second.out) == (1, "")
        found = re.fullmatch(said, second.err)
        assert found is not None, second.err
        assert int(found[2]) == first.pid
    told = cli("run", "--continue", "--format", "json", "two")
    assert (told.code, [line["error"]["name"] for line in told.lines]) == (1, ["SessionBusy"])
    copy = cli("run", "--continue", "--fork", "-m", cli.scenario([{"text": "A copy."}]), "three")
    assert (copy.code, copy.out) == (0, "A copy.\n"), copy.err
    (cli.project / "go").touch()
    out, err = first.communicate(timeout=60)
    assert (first.returncode, out) == (0, b"Done: went on\n"), err.decode()
    shown = cli("session", "show", found[1])
    assert "> one" in shown.out and "> two" not in shown.out and "> three" not in shown.out
    assert cli("session", "verify", "--all").code == 0


def test_a_killed_holder_is_replaced_at_once(cli: Cli) -> None:
    first = cli.start("run", "--yolo", "-m", patient(cli), "one")
    longrun.wait_until((cli.project / "started").exists, first)
    first.kill()
    after = cli("run", "--continue", "-m", cli.scenario([{"text": "${prompt}"}]), "two")
    first.communicate()
    assert (after.code, after.out) == (0, "two\n") and "mimo:" not in after.err
    assert after.seconds < 10


def test_two_sessions_of_a_project_finish_and_readers_see_them_grow(cli: Cli) -> None:
    steps = [
        {"chunk": 400, "calls": [longrun.call("write", file_path=f"f{n}.txt", content=longrun.page(n))]}
        for n in range(20)
    ]
    seen = []
    with ModelServer([*steps, {"text": longrun.LAST}]) as server:
        longrun.connect(cli, server)
        runs = [cli.start("run", "--yolo", f"job {number}") for number in range(2)]
        while any(run.poll() is None for run in runs):
            listed = cli("session", "list", "--format", "json")
            assert (listed.code, listed.err) == (0, "")
            for session in json.loads(listed.out or "[]")[:1]:
                shown = cli("session", "show", session["id"], "--format", "json")
                assert (shown.code, shown.err) == (0, "")
                assert [line["seq"] for line in shown.lines] == list(range(1, len(shown.lines) + 1))
                seen.append(len(shown.lines))
        for run in runs:
            out, err = run.communicate()
            assert (run.returncode, out.decode()) == (0, f"{longrun.LAST}\n"), err.decode()
        assert [request.refused for request in server.requests if request.refused] == []
    assert len(set(seen)) > 1, "the readers saw the logs only once they were finished"
    verified = cli("session", "verify", "--all")
    assert (verified.code, verified.out.count("intact")) == (0, 2)


def test_processes_that_make_the_log_at_the_same_moment_all_finish(cli: Cli) -> None:
    model = cli.scenario([{"text": "Here."}])
    runs = [cli.start("run", "-m", model, str(number)) for number in range(4)]
    for run in runs:
        out, err = run.communicate(timeout=60)
        assert (run.returncode, out) == (0, b"Here.\n"), err.decode()
    assert cli("session", "verify", "--all").out.count("intact") == 4


@pytest.mark.parametrize("words", [["session", "list"], ["session", "show", "last"], ["session", "verify"]])
def test_readers_do_not_wait_for_a_writer(cli: Cli, words: list[str]) -> None:
    assert cli("run", "-m", cli.scenario([{"text": "Hi."}]), "hi").code == 0
    alone = cli(*words)
    with closing(sqlite3.connect(longrun.database(cli))) as other:
        other.execute("BEGIN IMMEDIATE")
        beside = cli(*words)
    assert (beside.code, beside.out, beside.err) == (alone.code, alone.out, alone.err) and alone.out
    assert beside.seconds < 3 * alone.seconds + 3  # a reader that waits, waits for five seconds and more
