"""The log is there for whoever asks for it, and for nobody else."""

from __future__ import annotations

from pathlib import Path

from support.cli import Cli
from support.model_server import ModelServer


def test_the_log_is_shown_on_request_as_much_of_it_as_is_wanted(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    with ModelServer([{"text": "Hello."}]) as server:
        provider = {"acme": {"options": {"baseURL": f"{server.url}/v1", "apiKey": "k"}, "models": {"test-model": {}}}}
        cli.settings(model="acme/test-model", provider=provider)
        seen = {
            words: "INFO httpx" in cli(*words, "run", "Hi").err
            for words in [(), ("--print-logs",), ("--print-logs", "--log-level", "ERROR"), ("--log-level=DEBUG",)]
        }
    assert list(seen.values()) == [False, True, False, False]


def test_a_level_that_there_is_not_is_named(tmp_path: Path) -> None:
    done = Cli(tmp_path)("--log-level", "LOUD", "models")
    assert (done.code, done.out) == (2, "")
    assert "argument --log-level: invalid choice: 'LOUD' (choose from 'DEBUG', 'INFO', 'WARN', 'ERROR')" in done.err
