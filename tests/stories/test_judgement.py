"""A goal and Max Mode as people use them: `mimo run --goal`, `--max`, over every wire."""

from __future__ import annotations

import json

from support.cli import Cli
from support.job import Log, dumped, settings, shell, whole
from support.model_server import ModelServer


def test_a_run_goes_on_until_its_check_passes(cli: Cli, wire: str) -> None:
    with ModelServer([], play="sequential") as server:
        settings(cli, server, wire)
        server.script({"text": "Done."}, {"calls": [shell("touch there")]}, {"text": "Now it is there."})
        done = cli("run", "--yolo", "--goal", "the file is there :: test -f there", "make the file")
    assert (done.code, done.out) == (0, "Now it is there.\n"), done.err
    assert "goal: met: `test -f there`: exit 0" in done.err
    log = Log.of(cli)
    assert log.said("user")[0] == "make the file"
    assert "`test -f there` exits with 1" in log.said("user")[1]
    whole(cli)


def test_a_goal_that_is_not_reached_ends_the_run_with_a_limit(cli: Cli) -> None:
    refusal = {"text": json.dumps({"ok": False, "reason": "nothing was done", "impossible": True, "evidence": []})}
    with ModelServer([], play="sequential") as server:
        settings(cli, server, "chat")
        server.script({"text": "Done."}, refusal, {"text": "Really."}, refusal)
        done = cli("run", "--goal", "the moon is blue", "paint")
        asked = server.requests[1].body
    assert done.code == 3, done.err
    assert "the goal was found impossible twice in a row: nothing was done" in done.err
    assert "tools" not in asked
    assert "the moon is blue" in dumped(asked["messages"])
    whole(cli)


def test_a_judge_that_is_down_approves_nothing_and_the_goal_goes_on_tomorrow(cli: Cli) -> None:
    down = {"text": "", "fault": {"status": 401}}
    passed = {"text": json.dumps({"ok": True, "reason": "it says so", "evidence": list(range(99))})}
    with ModelServer([], play="sequential") as server:
        settings(cli, server, "messages")
        server.script({"text": "The answer is 42."}, down)
        done = cli("run", "--goal", "the answer is said", "what is it?")
        assert done.code == 3, done.err
        assert "nobody could judge whether the goal is met" in done.err
        server.script({"text": "As I said, 42."}, passed)
        done = cli("run", "--continue", "judge again")
    assert (done.code, done.out) == (0, "As I said, 42.\n"), done.err
    whole(cli)


def test_three_propose_one_is_done(cli: Cli, wire: str) -> None:
    made = {"calls": [shell("echo x >> made")]}
    with ModelServer([], play="sequential") as server:
        settings(cli, server, wire)
        server.script(made, made, made, *[{"text": "Made."}] * 3)
        done = cli("run", "--yolo", "--max", "3", "make it")
        assert len(server.requests) == 6
    assert (done.code, done.out) == (0, "Made.\n"), done.err
    assert (cli.project / "made").read_text() == "x\n"
    assert "3 of 3 propose the same" in done.err
    whole(cli)
