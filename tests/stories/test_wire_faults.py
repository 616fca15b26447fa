"""What goes wrong between us and a provider, once for every wire: the sentence, the exit code, and what comes after.

Faults come in the middle of a job, after a tool call. Each is followed by `--continue`, and the server refuses a history
with dangling calls before it plays anything: a log that was left in a bad state shows at the next request.
"""

import re
from typing import Any

from support.cli import Cli
from support.job import (
    ANSWER,
    CHANGES,
    Log,
    call,
    changes,
    dumped,
    job,
    kept,
    repository,
    sentence,
    settings,
    shell,
    whole,
)
from support.model_server import ModelServer

AFTER_CALLS = ("always cut",)
"""Cases that come in the middle of a job; the others at the first request (a tool call costs a test half a second)."""
# per case: the fault, the sentence on stderr with what to do about it, and how many requests are made of the faulty step
FATAL: dict[str, tuple[dict[str, Any], str, int]] = {
    "refused key": ({"status": 401}, r"refused the key \(401\).*; set provider\.local\.options\.apiKey$", 1),
    "forbidden": ({"status": 403}, r"refused the key \(403\).*; set provider\.local\.options\.apiKey$", 1),
    "not found": ({"status": 404}, r"does not know model test-model .*\(404\).*`mimo models`.* baseURL$", 1),
    "too long a wait": (
        {"status": 429, "headers": {"retry-after": "7200"}},
        r"too many requests \(429\).* 7200 s.*longer than the 300 s of retry\.maxWait",
        1,
    ),
    "out of credit": ({"status": 402}, r"out of credit or quota \(402\).*another model", 1),
    "always too many": ({"status": 429}, r"too many requests \(429\).*\(tried 3 times\).*again later", 3),
    "always overloaded": ({"status": 503}, r"failed or is overloaded \(503\).*\(tried 3 times\).*again later", 3),
    "a web page": ({"html": True}, r"answered with a web page.*is baseURL right\?", 2),
    "too long a context": (
        {"overflow": True},
        r"too long for local/test-model \(400\).*new session.*larger window$",
        1,
    ),
    "always cut": ({"cut_events": 2}, r"the stream was cut.*\(tried 3 times\); nothing is lost: go on when", 3),
    "no answer in the stream": (
        {"end_events": 1},
        r"the stream was cut.*\(tried 3 times\); nothing is lost: go on when",
        3,
    ),
    "nobody there": ({"hangup": True}, r"\(tried 3 times\); nothing is lost: go on when", 3),
}
ON_ONE_WIRE = ("forbidden", "out of credit", "always too many", "no answer in the stream", "nobody there")
"""Told apart before the wire matters."""


def test_what_cannot_be_mended_is_one_sentence_and_the_session_goes_on(cli: Cli, wire: str) -> None:
    repository(cli.project)
    cases = {case: FATAL[case] for case in FATAL if wire == "chat" or case not in ON_ONE_WIRE}
    going = ["run"]
    with ModelServer([], play="sequential") as server:
        settings(cli, server, wire)
        for case, (fault, words, tries) in cases.items():
            before = [{"text": f"Before {case}.", "calls": [call("read", file_path="shop/cart.py")]}]
            before = before if case in AFTER_CALLS else []
            server.script(*before, *[{"text": "never seen whole", "fault": fault}] * tries)
            done = cli(*going, f"try {case}")
            assert (done.code, done.out) == (1, ""), (case, done.err)
            assert sentence(done).startswith("✗ ") and re.search(words, sentence(done)), (case, sentence(done))
            assert len(server.requests) == len(before) + tries, case
            going = ["run", "--continue"]
        server.script({"text": "Here again."})
        done = cli(*going, "go on")
    assert (done.code, done.out) == (0, "Here again.\n"), done.err
    log = Log.of(cli)
    assert log.dangling() == set()
    said = [text for text in log.said("assistant") if not text.endswith("[This answer was cut off here.]")]
    assert said == [*(f"Before {case}." for case in AFTER_CALLS), "Here again."]
    assert log.said("user") == [*(f"try {case}" for case in cases), "go on"]
    ended = [(fact["reason"], fact.get("detail", "")) for fact in log.kinds("turn.ended")]
    assert [reason for reason, _ in ended] == ["failed"] * len(cases) + ["done"]
    assert all(re.search(words, detail) for (_, words, _), (_, detail) in zip(cases.values(), ended, strict=False))
    whole(cli)


WEATHER: list[dict[str, Any]] = [
    {"status": 429, "headers": {"retry-after": "0.01"}, "times": 1},
    {"status": 500, "times": 2},
    {"cut_events": 3, "times": 2},
    {"error_event": True, "after": 2, "times": 1},
    {"hangup": True, "times": 1},
    {"html": True, "times": 1},
    {"status": 529, "times": 1},
    {"dribble": 7},
    {"cut_bytes": 900, "times": 1},
    {"garbage": True},
]


def test_a_job_through_all_weathers_is_done_and_nothing_is_there_twice(cli: Cli, wire: str) -> None:
    repository(cli.project)
    more = [{"text": f"Word {n} of some length.", "calls": [shell(f"echo {n}")]} for n in range(5)]
    steps = [step | {"fault": fault} for step, fault in zip([*more, *job()], WEATHER, strict=True)]
    broken = {"name": "edit", "raw": '{"file_path": "shop/cart.py", "old_str'}
    steps.insert(0, {"text": "I edit.", "calls": [broken, call("read", file_path="shop/cart.py")]})
    with ModelServer(steps) as server:
        settings(cli, server, wire)
        done = cli("run", "make the test pass")
        assert (done.code, done.out, changes(cli.project)) == (0, ANSWER + "\n", CHANGES), done.err
        assert sentence(done)
        tries = sum(fault.get("times", 0) for fault in WEATHER)
        assert (done.err.count("Retrying in"), len(server.requests)) == (tries, len(steps) + tries), done.err
        assert "not one JSON object" in dumped(server.requests[1].body)  # the model is told
        kept(server)
    log = Log.of(cli)
    assert log.dangling() == set()
    assert [text for text in log.said("assistant") if text] == [step["text"] for step in steps if "text" in step]
    failed = [fact["call_id"] for fact in log.kinds("call.finished") if fact.get("error")]
    assert len(failed) == 1
    whole(cli)


def test_a_missing_key_says_which_one_and_where_to_put_it(cli: Cli, wire: str) -> None:
    settings(cli, "https://llm.invalid", wire, env=["LOCAL_KEY"], options={"apiKey": ""})
    done = cli("run", "hi")
    assert (done.code, done.out) == (1, "")
    assert re.search(r"no key for local: set LOCAL_KEY or provider\.local\.options\.apiKey$", sentence(done))


def test_an_unknown_model_says_what_is_close(cli: Cli) -> None:
    with ModelServer([]) as server:
        settings(cli, server, "chat")
        for ref in ("local/test-modle", "locl/test-model"):
            done = cli("run", "-m", ref, "hi")
            assert (done.code, done.out, server.requests) == (1, "", [])
            assert "local/test-model" in sentence(done)


def test_a_model_that_the_provider_does_not_know(cli: Cli, wire: str) -> None:
    with ModelServer([]) as server:
        settings(cli, server, wire, model="other-model")
        done = cli("run", "hi")
    assert (done.code, done.out) == (1, "")
    assert re.search(r"local does not know model other-model at .*`mimo models`", sentence(done))


def test_an_address_where_nobody_listens(cli: Cli) -> None:
    with ModelServer([]) as server:
        gone = server.url
    settings(cli, gone, "chat")
    done = cli("run", "hi")
    assert (done.code, done.out) == (1, "")
    assert re.search(rf"cannot reach local at {re.escape(gone)}.*\(tried 3 times\)", sentence(done))
