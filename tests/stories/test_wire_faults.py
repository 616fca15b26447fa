"""What goes wrong between us and a provider, once for every wire: the sentence, the exit code, and what comes after.

Every case runs the real command line against a strict server, then goes on with `--continue`: the server refuses a
history with dangling calls, so a log that was left in a bad state shows.
"""

import re
from typing import Any

import pytest

from support.cli import Cli, Done
from support.model_server import ModelServer

WIRES = {"chat": "@ai-sdk/openai-compatible", "responses": "@ai-sdk/openai", "messages": "@ai-sdk/anthropic"}
KEY = "sk-very-secret-1234567890"


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    """Every wire in turn."""
    return str(request.param)


def connect(cli: Cli, server: ModelServer, wire: str, model: str = "test-model", **options: Any) -> None:
    """Settings as an existing user has them."""
    options = {"baseURL": server.url + "/v1", "apiKey": KEY, **options}
    provider = {"local": {"npm": WIRES[wire], "options": options, "models": {model: {}}}}
    cli.settings(model=f"local/{model}", provider=provider, retry={"maxAttempts": 3, "firstWait": 0.05})


def goes_on(cli: Cli) -> None:
    """The session is whole: the next message is accepted, and the log is what was written."""
    done = cli("run", "--continue", "go on")
    assert (done.code, done.out) == (0, "Here again.\n"), done.err
    assert cli("session", "verify", "--all").code == 0


def told(done: Done) -> str:
    """The last sentence on stderr; never a traceback, never the key."""
    assert "Traceback" not in done.err and KEY not in done.err + done.out
    return done.err.splitlines()[-1]


AGAIN = {"text": "Here again."}
FATAL: dict[str, tuple[dict[str, Any], str]] = {
    "refused key": ({"status": 401}, r"^✗ .*(key|credential)"),
    "forbidden": ({"status": 403}, r"^✗ .*(key|refuse|allow)"),
    "not found": ({"status": 404}, r"^✗ .*(model|baseURL|address)"),
    "too long a wait": ({"status": 429, "headers": {"retry-after": "7200"}}, r"^✗ .*(7200|2 h|120 min)"),
    "always overloaded": ({"status": 503}, r"^✗ "),
    "a web page": ({"html": True}, r"^✗ .*baseURL"),
    "too long a context": ({"overflow": True}, r"^✗ .*(context|window|long)"),
    "always cut": ({"cut_events": 2}, r"^✗ .*cut"),
    "no answer in the stream": ({"end_events": 1}, r"^✗ "),
}


@pytest.mark.parametrize("case", FATAL)
def test_what_cannot_be_mended_is_one_sentence_and_the_session_goes_on(cli: Cli, wire: str, case: str) -> None:
    fault, sentence = FATAL[case]
    with ModelServer([{"text": "never seen whole", "fault": fault}]) as server:
        connect(cli, server, wire)
        done = cli("run", "hi")
        assert (done.code, done.out) == (1, ""), done.err
        assert re.search(sentence, told(done), re.IGNORECASE), done.err
    with ModelServer([AGAIN], play="sequential") as server:
        connect(cli, server, wire)
        goes_on(cli)


MENDED: dict[str, dict[str, Any]] = {
    "rate limit": {"status": 429, "headers": {"retry-after": "0"}, "times": 1},
    "overloaded": {"status": 529, "times": 1},
    "server error": {"status": 500, "times": 2},
    "cut in the middle": {"cut_events": 3, "times": 1},
    "cut before the first byte": {"hangup": True, "times": 1},
    "error in the stream": {"error_event": True, "after": 2, "times": 1},
    "pieces of seven bytes": {"dribble": 7},
    "rubbish after the end": {"garbage": True},
}


@pytest.mark.parametrize("case", MENDED)
def test_what_can_be_mended_is_and_nothing_is_said_twice(cli: Cli, wire: str, case: str) -> None:
    script = [{"text": "A whole answer of some words.", "fault": MENDED[case]}, AGAIN]
    with ModelServer(script, play="conversation") as server:
        connect(cli, server, wire)
        done = cli("run", "hi")
        assert (done.code, done.out) == (0, "A whole answer of some words.\n"), done.err
        assert "Traceback" not in done.err and KEY not in done.err
        goes_on(cli)
    shown = cli("session", "show", "last").out
    assert shown.count("A whole answer of some words.") == 1


def test_malformed_tool_arguments_are_told_to_the_model_and_the_job_goes_on(cli: Cli, wire: str) -> None:
    (cli.project / "a.txt").write_text("hello\n")
    script = [
        {"calls": [{"name": "read", "raw": '{"file_path": "a.t'}]},
        {"calls": [{"name": "read", "arguments": {"file_path": "a.txt"}}]},
        {"text": "It says hello."},
        AGAIN,
    ]
    with ModelServer(script, play="conversation") as server:
        connect(cli, server, wire)
        done = cli("run", "read a.txt")
        assert (done.code, done.out) == (0, "It says hello.\n"), done.err
        assert "not one JSON object" in str(server.requests[1].body)
        goes_on(cli)
        assert all(share == 1 for share in server.prefix_kept())


def test_a_missing_key_says_which_one_and_where_to_put_it(cli: Cli, wire: str) -> None:
    cli.settings(
        model="local/test-model",
        provider={
            "local": {
                "npm": WIRES[wire],
                "env": ["LOCAL_KEY"],
                "options": {"baseURL": "https://llm.invalid/v1"},
                "models": {"test-model": {}},
            }
        },
    )
    done = cli("run", "hi")
    assert (done.code, done.out) == (1, "")
    assert "LOCAL_KEY" in told(done)


@pytest.mark.parametrize("ref", ["local/test-modle", "locl/test-model", "test-model"])
def test_an_unknown_model_says_what_is_close(cli: Cli, ref: str) -> None:
    with ModelServer([AGAIN]) as server:
        connect(cli, server, "chat")
        done = cli("run", "-m", ref, "hi")
        assert (done.code, done.out, server.requests) == (1, "", [])
        assert "local/test-model" in told(done)


def test_usage_and_cached_tokens_are_in_the_events(cli: Cli, wire: str) -> None:
    usage = {"input": 1000, "output": 20, "cache_read": 800, "reasoning": 5}
    with ModelServer([{"reasoning": "Let me think.", "text": "Hi.", "usage": usage}]) as server:
        connect(cli, server, wire)
        done = cli("run", "--format", "json", "hi")
    finish = next(line for line in done.lines if line["type"] == "step_finish")
    assert finish["part"]["tokens"]["cache"]["read"] == 800
    assert finish["part"]["tokens"]["total"] == 1020


def test_a_long_session_keeps_its_prefix(cli: Cli) -> None:
    steps: list[dict[str, Any]] = [
        {"calls": [{"name": "bash", "arguments": {"command": f"echo step {n}", "description": "Count"}}]}
        for n in range(200)
    ]
    with ModelServer([*steps, {"text": "All done."}]) as server:
        connect(cli, server, "chat")
        done = cli("run", "count", timeout=150)
        assert (done.code, done.out) == (0, "All done.\n"), done.err[-400:]
        assert len(server.requests) == 201
        assert all(share == 1 for share in server.prefix_kept())


def test_limits_end_a_run_with_their_own_code(cli: Cli, wire: str) -> None:
    loop = [{"calls": [{"name": "bash", "arguments": {"command": f"echo {n}", "description": "x"}}]} for n in range(9)]
    with ModelServer(loop) as server:
        connect(cli, server, wire)
        done = cli("run", "--max-steps", "3", "go")
        assert (done.code, len(server.requests)) == (3, 3)
        assert "3 steps" in told(done)
