"""What a provider's cache finds again, in the bytes that a model server saw: of forked subagents, and after Tab."""

from __future__ import annotations

import json
from typing import Any

from support.cli import Cli
from support.job import call, kept, settings, whole
from support.model_server import ModelServer, Request, prefix_kept

TALK = {"messages", "input"}
"""Where a wire has its conversation."""


def frame(request: Request) -> dict[str, str]:
    """Everything of a request but the conversation, byte for byte, without the marks of what is to be cached."""
    body: dict[str, Any] = {key: value for key, value in request.body.items() if key not in TALK}
    return {key: json.dumps(value, ensure_ascii=False) for key, value in body.items()}


def test_a_child_with_the_full_context_begins_with_its_parents_request(cli: Cli, wire: str) -> None:
    (cli.project / "a.py").write_text("a = 1\n")
    read = {"calls": [call("read", file_path="a.py")]}
    fork = {"calls": [call("actor", action="run", prompt="look at it once more", context="full", description="look")]}
    done = {"text": "Status: done\nSummary: seen\nIt is one."}
    with ModelServer([read, fork, read, done, {"text": "All told."}], play="sequential") as server:
        settings(cli, server, wire)
        ran = cli("run", "--yolo", "what is a?")
        assert (ran.code, ran.out) == (0, "All told.\n"), ran.err
    _, parent, child, later, last = server.requests
    assert prefix_kept([parent, child, later]) == [1.0, 1.0, 1.0]
    assert prefix_kept([parent, last]) == [1.0, 1.0]
    assert frame(child) == frame(parent) == frame(last)
    assert b"look at it once more" in child.canonical[len(parent.canonical) :]
    whole(cli)


def test_changing_between_build_and_plan_keeps_what_was_sent(cli: Cli, wire: str) -> None:
    with ModelServer([{"text": f"Answer {number}."} for number in range(3)], play="sequential") as server:
        settings(cli, server, wire)
        for number, agent in enumerate(("build", "plan", "build")):
            words = ["--continue"] * bool(number)
            ran = cli("run", *words, "--agent", agent, f"question {number}")
            assert (ran.code, ran.out) == (0, f"Answer {number}.\n"), ran.err
    kept(server)
    first, *others = map(frame, server.requests)
    assert all(other == first for other in others)
    whole(cli)


def test_what_is_fixed_in_a_first_request_is_small(cli: Cli, wire: str) -> None:
    """System, tools, what is remembered and the catalogues, in bytes of the request by four: at most 5,000 tokens."""
    remembered = cli.home / ".local/share/mimocode/memory/global/MEMORY.md"
    remembered.parent.mkdir(parents=True)
    remembered.write_text("## Rules\n- Answer in plain words.\n")
    with ModelServer([{"text": "Hello."}], play="sequential") as server:
        settings(cli, server, wire)
        ran = cli("run", "Say hello")
        assert (ran.code, ran.out) == (0, "Hello.\n"), ran.err
    [first] = server.requests
    assert b"Answer in plain words." in first.raw and b"Say hello" in first.raw
    assert len(first.raw) // 4 <= 5000
