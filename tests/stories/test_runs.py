"""`mimo run` as people and scripts use it, against real HTTP: stopped, gone on with, copied, given files."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

from support.cli import Cli
from support.job import Log, dumped, kept, repository, settings, shell, whole
from support.model_server import ModelServer


def until(found: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
    """Wait for something that the process will cause."""
    late = time.monotonic() + 90
    while not found():
        if process.poll() is not None or time.monotonic() > late:
            process.kill()
            raise AssertionError(b"\n".join(process.communicate()).decode())
        time.sleep(0.01)


def stopped(process: subprocess.Popen[bytes]) -> bytes:
    """Interrupt the process, which then ends soon; what it said on stderr."""
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, err = process.communicate(timeout=90)
    assert (process.returncode, b"\nTraceback" in err) == (130, False), err.decode()
    assert time.monotonic() - began < 60
    return err


def test_stopped_in_the_middle_of_an_answer_and_of_a_tool_the_session_goes_on(cli: Cli, wire: str) -> None:
    with ModelServer([{"text": "Not all of this is ever said.", "fault": {"stall_events": 6}}]) as server:
        settings(cli, server, wire)
        process = cli.start("run", "--format", "json", "begin")
        assert process.stdout
        assert json.loads(process.stdout.readline())["type"] == "step_start"  # the first word has come
        stopped(process)
        server.script({"calls": [shell("touch started; exec sleep 61"), shell("touch never")]}, {"text": "No."})
        process = cli.start("run", "--continue", "work")
        until((cli.project / "started").exists, process)
        assert b"mimo run --session ses_" in stopped(process)
        server.play = "sequential"
        server.script({"text": "Here again."})
        done = cli("run", "--continue", "go on")
        assert (done.code, done.out) == (0, "Here again.\n"), done.err
        body = dumped(server.requests[0].body)
    assert not (cli.project / "never").exists()
    assert "This answer was cut off here." in body and "is ever said." not in body
    assert body.count("Interrupted: ") == 2
    log = Log.of(cli)
    assert log.dangling() == set()
    assert log.said("user") == ["begin", "work", "go on"]
    assert [fact["reason"] for fact in log.kinds("turn.ended")] == ["interrupted", "interrupted", "done"]
    whole(cli)


def test_a_standard_input_that_never_ends_does_not_hold_up_the_run(cli: Cli) -> None:
    reader, writer = os.pipe()
    try:
        with ModelServer([{"text": "Hi."}]) as server:
            settings(cli, server, "chat")
            os.write(writer, b"only this")
            done = cli("run", "read it", stdin=reader)
    finally:
        os.close(reader)
        os.close(writer)
    assert (done.code, done.out) == (0, "Hi.\n"), done.err
    assert server.requests[0].body["messages"][1]["content"] == "read it\nonly this"
    assert "fell silent" in done.err


def test_a_picture_and_a_text_are_sent_along(cli: Cli, wire: str) -> None:
    (cli.project / "dot.png").write_bytes(bytes.fromhex("89504e470d0a1a0a0000000d49484452"))
    (cli.project / "notes.txt").write_text("remember the milk\n")
    with ModelServer([{"text": "I see."}]) as server:
        settings(cli, server, wire)
        done = cli("run", "--file", "dot.png", "look", "-f", "notes.txt")
        assert (done.code, done.out) == (0, "I see.\n"), done.err
    sent = dumped(server.requests[0].body)
    assert "iVBORw0KGgoAAAANSUhEUg==" in sent and "remember the milk" in sent


def test_sessions_are_named_found_gone_on_with_and_copied(cli: Cli) -> None:
    below = cli.project / "below"
    below.mkdir()
    repository(cli.project)

    def ids() -> dict[str, str]:
        return {row["title"]: row["id"] for row in json.loads(cli("session", "list", "--format", "json").out)}

    with ModelServer([{"text": "Yes."}]) as server:
        settings(cli, server, "messages")
        assert cli("run", "--dir", "below", "--title", "First one", "one").code == 0
        first = ids()["First one"]
        assert str(below) in dumped(server.requests[0].body["system"])
        assert cli("run", "second message here").code == 0
        assert list(ids()) == ["second message here", "First one"]
        assert cli("run", "--session", first, "two").code == 0
        before = Log.of(cli, first).facts
        assert cli("run", "--session", first, "--fork", "--title", "A copy", "three").code == 0
        assert Log.of(cli, first).facts == before
        copy = Log.of(cli, ids()["A copy"])
        assert copy.said("user") == ["one", "two", "three"] and copy.dangling() == set()
        assert cli("run", "--continue", "four").code == 0
    said = [dumped(request.body["messages"]) for request in server.requests]
    assert [[word for word in ("one", "two", "three", "four") if f'"{word}"' in text] for text in said] == [
        ["one"],
        [],
        ["one", "two"],
        ["one", "two", "three"],
        ["one", "two", "three", "four"],
    ]
    # what a copy and a session gone on with send begins with what was sent before: the provider's cache is kept
    server.requests = [server.requests[n] for n in (0, 2, 3, 4)]
    kept(server)
    whole(cli)


def test_a_directory_that_is_not_there_is_said_before_anything_is_asked(cli: Cli) -> None:
    with ModelServer([]) as server:
        settings(cli, server, "chat")
        done = cli("run", "--dir", "nowhere", "hi")
    assert (done.code, done.out, server.requests) == (2, "", [])
    assert len(done.err.splitlines()) == 1 and "nowhere" in done.err
