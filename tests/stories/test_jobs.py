"""A whole job through `mimo run`, once for every wire: read, edit two files, run the tests, answer.

The server refuses what the providers refuse: calls without an answer, answers without a call, reasoning that does not
come back where it must, fields that do not exist.
"""

import json
from typing import Any

import pytest

from support.cli import Cli
from support.job import (
    ANSWER,
    CHANGES,
    Log,
    call,
    changes,
    job,
    kept,
    repository,
    sentence,
    settings,
    shell,
    whole,
)
from support.model_server import ModelServer, Request

USAGE = {"input": 1000, "output": 50, "cache_read": 800, "reasoning": 20}
THOUGHT = "The sum is wrong, so let me look."


def echoed(request: Request) -> int:
    """How many thoughts of earlier steps a request carries, in the words of its wire."""
    body = request.body
    if "input" in body:
        items = [item for item in body["input"] if item.get("type") == "reasoning"]
        return sum(bool(item["encrypted_content"]) for item in items)
    if request.path == "/v1/messages":
        blocks = [b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]]
        return sum(b["type"] == "thinking" and bool(b["signature"]) for b in blocks)
    return sum(m.get("reasoning_content") == THOUGHT for m in body["messages"])


def test_a_job_is_done(cli: Cli, wire: str) -> None:
    repository(cli.project)
    steps = [step | {"reasoning": THOUGHT, "usage": USAGE} for step in job()]
    with ModelServer(steps, reasoning_echo="required") as server:
        settings(cli, server, wire, record={"interleaved": True, "cost": {"input": 1, "output": 10, "cache_read": 0.1}})
        done = cli("run", "--variant", "high", "make the test pass")
    assert (done.code, done.out) == (0, ANSWER + "\n"), done.err
    assert changes(cli.project) == CHANGES
    assert "FAILED (failures=1)" in done.err and "OK" in done.err
    kept(server)
    assert [echoed(request) for request in server.requests] == [0, 1, 2, 3, 4]
    log = Log.of(cli)
    assert log.dangling() == set()
    # the two reads overlap, the two edits do not
    order = [fact["type"].removeprefix("call.") for fact in log.facts if fact["type"].startswith("call.")]
    one, both = ["started", "finished"], ["started", "started", "finished", "finished"]
    assert order == one + both + one * 2 + one
    assert (log.said("user"), log.said("assistant")[-1]) == (["make the test pass"], ANSWER)
    # 200 fresh, 800 from the cache, 50 out, for each of five answers
    usage = [fact["usage"] for fact in log.kinds("message.added") if "usage" in fact]
    assert [used.pop("cost") for used in usage] == [pytest.approx((200 * 1 + 800 * 0.1 + 50 * 10) / 1e6)] * 5
    assert usage == [USAGE] * 5
    whole(cli)


def test_a_job_as_json_lines(cli: Cli) -> None:
    repository(cli.project)
    with ModelServer([step | {"usage": USAGE} for step in job()]) as server:
        settings(cli, server, "messages")
        done = cli("run", "--format", "json", "make the test pass")
    assert (done.code, done.err) == (0, "")
    assert changes(cli.project) == CHANGES
    finished = [line["part"] for line in done.lines if line["type"] == "step_finish"]
    assert [part["reason"] for part in finished] == ["tool-calls"] * 4 + ["stop"]
    cache = {"read": 800, "write": 0}
    counts = {"total": 1050, "input": 200, "output": 30, "reasoning": 20, "cache": cache}
    assert [part["tokens"] for part in finished] == [counts] * 5
    assert [line["part"]["text"] for line in done.lines if line["type"] == "text"][-1] == ANSWER
    tools = [line["part"] for line in done.lines if line["type"] == "tool_use"]
    assert sorted(part["tool"] for part in tools) == ["bash", "bash", "edit", "edit", "read", "read"]
    assert {part["state"]["status"] for part in tools} == {"completed"}


def test_reasoning_that_a_model_does_not_want_back_is_not_sent(cli: Cli) -> None:
    steps = [{"reasoning": THOUGHT, "calls": [shell("true")]}, {"reasoning": THOUGHT, "text": "Done."}]
    with ModelServer(steps, reasoning_echo="forbidden") as server:
        settings(cli, server, "chat")
        done = cli("run", "--thinking", "go")
    assert (done.code, done.out) == (0, "Done.\n"), done.err
    assert THOUGHT in done.err
    kept(server)


def test_an_export_is_the_whole_job_and_comes_back(cli: Cli) -> None:
    with ModelServer([{"calls": [shell("echo hi")]}, {"text": "Said.", "usage": USAGE}]) as server:
        settings(cli, server, "chat")
        assert cli("run", "go").code == 0
        exported = cli("session", "export")
        facts = [fact["fact"] for fact in json.loads(exported.out)["facts"]]
        assert facts == Log.of(cli).facts
        assert [fact["usage"]["cache_read"] for fact in facts if fact.get("finish") == "stop"] == [800]
        assert cli("session", "import", "-", stdin=exported.out.encode()).code == 0
        server.script({"text": "Here again."})
        done = cli("run", "--continue", "go on")
    assert (done.code, done.out) == (0, "Here again.\n"), done.err
    assert cli("session", "verify", "--all").code == 0
    shown = cli("session", "show", "last").out
    assert "✓ bash echo hi" in shown and shown.rstrip().endswith("> go on\n\nHere again.")


# -- how far it goes ----------------------------------------------------------


def test_a_session_of_200_steps_keeps_its_prefix(cli: Cli) -> None:
    steps: list[dict[str, Any]] = [
        {"text": f"Step {n}.", "calls": [call("read", file_path="words.txt", offset=n + 1, limit=3)]}
        for n in range(200)
    ]
    (cli.project / "words.txt").write_text("".join(f"word{n}\n" for n in range(300)))
    with ModelServer([*steps, {"text": "All read."}]) as server:
        settings(cli, server, "chat")
        done = cli("run", "read it all", timeout=120)
    assert (done.code, done.out) == (0, "All read.\n"), done.err[-400:]
    assert len(server.requests) == 201
    kept(server)
    whole(cli)


def test_max_steps_ends_the_turn_and_a_later_one_goes_on(cli: Cli) -> None:
    repository(cli.project)
    with ModelServer(job(), play="conversation") as server:
        settings(cli, server, "responses")
        done = cli("run", "--max-steps", "1", "make the test pass")
        assert (done.code, len(server.requests), changes(cli.project)) == (3, 1, [])
        assert sentence(done).endswith("the limit of steps for this turn: 1")
        done = cli("run", "--continue", "go on")
        assert (done.code, done.out, changes(cli.project)) == (0, ANSWER + "\n", CHANGES)
    kept(server)
    whole(cli)


def test_a_budget_ends_the_turn_and_a_later_one_goes_on(cli: Cli) -> None:
    repository(cli.project)
    usage = {"input": 8000, "output": 500}
    with ModelServer([step | {"usage": usage} for step in job()], play="conversation") as server:
        settings(cli, server, "messages", record={"cost": {"input": 1, "output": 5}})
        done = cli("run", "--budget", "12k,$1", "make the test pass")
        assert (done.code, changes(cli.project)) == (3, []) and 1 <= len(server.requests) <= 2
        assert "12,000 tokens" in sentence(done)
        done = cli("run", "--continue", "go on")
        assert (done.code, done.out, changes(cli.project)) == (0, ANSWER + "\n", CHANGES)
    kept(server)
