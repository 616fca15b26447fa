"""Ctrl-C wherever the work is: the turn is over in a quarter of a second, the process in one, and the log is whole."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from support import longrun
from support.cli import Cli
from support.model_server import ModelServer

TURN, PROCESS = 5.0, 10.0
"""Seconds from the signal to the end of the turn, by the times in the log, and of the process, on a machine that does much
else; `tests/bench/bench_interrupts.py` measures them."""


def interrupt(cli: Cli, process: subprocess.Popen[bytes]) -> list[dict[str, Any]]:
    """Send the signal, check the times and the log, and return the facts."""
    at, began = time.time(), time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    seconds = time.monotonic() - began
    assert process.returncode == 130, (out, err)
    assert b"Traceback" not in err
    export = cli("session", "export")
    assert export.code == 0 and cli("session", "verify").code == 0
    facts = json.loads(export.out)["facts"]
    kept = facts[-1]["fact"].get("finish") == "cut" or facts[-1]["fact"].get("message", {}).get("origin")
    ended = facts[-2] if kept else facts[-1]
    assert (ended["fact"]["type"], ended["fact"]["reason"]) == ("turn.ended", "interrupted")
    assert facts[-1]["time"] - at < TURN
    assert seconds < PROCESS
    return facts


def unanswered(facts: list[dict[str, Any]]) -> set[str]:
    """Calls without a result."""
    called: set[str] = set()
    for row in facts:
        fact = row["fact"]
        if fact["type"] == "message.added":
            called |= {block["id"] for block in fact["message"]["content"] if block.get("kind") == "call"}
        elif fact["type"] == "call.finished":
            called.discard(fact["call_id"])
    return called


def goes_on(cli: Cli, server: ModelServer) -> None:
    """The strict server takes the next request of the session."""
    answered = cli("run", "--continue", "go on")
    assert (answered.code, answered.out) == (0, "Still here.\n"), answered.err
    assert [request.refused for request in server.requests if request.refused] == []


STREAMS: dict[str, dict[str, Any]] = {
    "in the middle of a stream": {"text": "word " * 2000, "pace": 0.01},
    "before the stream begins": {"text": "never", "fault": {"stall_events": -1, "times": 1}},
    "while the stream says nothing": {"text": "some words and then", "fault": {"stall_events": 3, "times": 1}},
    "while it waits to try again": {"fault": {"status": 429, "headers": {"retry-after": "30"}, "times": 1}},
}
SPOKEN = {"in the middle of a stream": "word", "while the stream says nothing": "some"}
"""Where something had been said, how it begins: it joins the conversation."""


@pytest.mark.parametrize("where", STREAMS)
def test_during_an_answer(cli: Cli, where: str) -> None:
    with ModelServer([STREAMS[where]]) as server:
        longrun.connect(cli, server)
        process = cli.start("run", "--format", "json", "hi")
        longrun.wait_until(lambda: server.requests, process)
        if where in SPOKEN:
            kept = cli.home / ".local/share/mimocode/partial"
            longrun.wait_until(lambda: any(SPOKEN[where] in file.read_text() for file in kept.glob("*.txt")), process)
        facts = interrupt(cli, process)
        last = [row["fact"] for row in facts][-2:]
        if where in SPOKEN:
            assert [fact["type"] for fact in last] == ["turn.ended", "message.added"]
            said, mark = last[1]["message"]["content"]
            assert said["text"].startswith(SPOKEN[where]) and "cut off here" in mark["text"]
        else:
            assert [fact["type"] for fact in last] == ["message.added", "turn.ended"]
        server.steps = [type(server.steps[0]).of({"text": "Still here."})]
        goes_on(cli, server)


COMMANDS = {
    "a command": "touch started; sleep 300",
    "a command that ignores requests to end": "trap '' TERM INT HUP; touch started; while :; do sleep 0.05; done",
    "a command that prints without end": "touch started; yes",
}


@pytest.mark.parametrize("what", COMMANDS)
def test_during_a_command(cli: Cli, what: str, tmp_path: Path) -> None:
    mark = f"interrupt-{tmp_path}"
    with ModelServer([{"calls": [longrun.bash(COMMANDS[what])]}, {"text": "Still here."}]) as server:
        longrun.connect(cli, server)
        process = cli.start("run", "--yolo", "hi", **longrun.environment(mark))
        longrun.wait_until((cli.project / "started").exists, process)
        facts = interrupt(cli, process)
        types = [row["fact"]["type"] for row in facts if row["fact"]["type"] != "noted"]
        assert types[-3:] == ["call.started", "call.finished", "turn.ended"]
        assert unanswered(facts) == set()
        longrun.wait_until(lambda: not longrun.living(mark))
        goes_on(cli, server)


ATTENDED = '''
"""A front end that shows approvals to a person, who thinks about it."""
from mimocode import hookimpl
from mimocode.events import ApprovalAsked, Interrupt, Say


@hookimpl
def register_cli(commands):
    async def run(args, host):
        import asyncio, signal

        async with host.open() as session:
            async def show():
                async for entry in session.follow():
                    if isinstance(entry.event, ApprovalAsked):
                        print("asked", flush=True)

            stop = lambda: asyncio.ensure_future(session.submit(Interrupt()))
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop)
            shows = asyncio.create_task(show())
            await session.submit(Say("hi"))
            await session.settled()
            shows.cancel()
        return 130

    commands.add("attended", "Ask a person.", run)
'''


def test_during_an_approval(cli: Cli) -> None:
    cli.plugin("attended", ATTENDED)
    script = [{"calls": [longrun.bash("rm -r one"), longrun.bash("rm -r two")]}, {"text": "Still here."}]
    with ModelServer(script) as server:
        longrun.connect(cli, server)
        process = cli.start("attended")
        assert process.stdout and process.stdout.readline() == b"asked\n"
        facts = interrupt(cli, process)
        assert [row["fact"]["type"] for row in facts][-4:] == [
            "approval.asked",
            "call.finished",
            "call.finished",
            "turn.ended",
        ]
        assert unanswered(facts) == set()
        goes_on(cli, server)
