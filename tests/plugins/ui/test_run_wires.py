"""A whole job over HTTP, once for every wire: read, edit two files, run the tests, answer."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.cli import Cli
from support.model_server import ModelServer

WIRES = {
    "chat": ("@ai-sdk/openai-compatible", "/v1"),
    "responses": ("@ai-sdk/openai", "/v1"),
    "messages": ("@ai-sdk/anthropic", "/v1"),
}


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool call of the model."""
    return {"name": tool, "arguments": arguments}


JOB = [
    {"text": "I read.", "calls": [call("read", file_path="one.py"), call("read", file_path="two.py")]},
    {"calls": [call("edit", file_path="one.py", old_string="ONE = 2", new_string="ONE = 1")]},
    {"calls": [call("edit", file_path="two.py", old_string="TWO = 1", new_string="TWO = 2")]},
    {"calls": [call("bash", command="python3 -m unittest -q", description="Run the tests")]},
    {"text": "Both are right now."},
]
TEST = """
import unittest
from one import ONE
from two import TWO

class T(unittest.TestCase):
    def test(self):
        self.assertEqual((ONE, TWO), (1, 2))
"""


def repository(folder: Path) -> None:
    """Two wrong files and a test, under git."""
    files = {"one.py": "ONE = 2\n", "two.py": "TWO = 1\n", "test_both.py": TEST, ".gitignore": "__pycache__/\n"}
    for name, text in files.items():
        (folder / name).write_text(text)
    author = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *author, *command], cwd=folder, check=True)


def connect(cli: Cli, server: ModelServer, wire: str) -> None:
    """Let the settings lead to the server."""
    npm, path = WIRES[wire]
    options = {"baseURL": server.url + path, "apiKey": "k"}
    provider = {"local": {"npm": npm, "options": options, "models": {"test-model": {}}}}
    cli.settings(model="local/test-model", provider=provider)


@pytest.mark.parametrize("wire", WIRES)
def test_a_job_over_http(cli: Cli, wire: str) -> None:
    repository(cli.project)
    with ModelServer(JOB) as server:
        connect(cli, server, wire)
        done = cli("run", "make the test pass")
    assert (done.code, done.out) == (0, "Both are right now.\n"), done.err
    diff = subprocess.run(["git", "diff", "-U0"], cwd=cli.project, capture_output=True, text=True, check=True).stdout
    changes = [line for line in diff.splitlines() if line[0] in "+-" and not line.startswith(("+++", "---"))]
    assert changes == ["-ONE = 2", "+ONE = 1", "-TWO = 1", "+TWO = 2"]
    assert "OK" in done.err
    assert len(server.requests) == 5 and all(share == 1 for share in server.prefix_kept())


@pytest.mark.parametrize("wire", WIRES)
def test_a_refused_key_is_one_sentence_and_exit_code_1(cli: Cli, wire: str) -> None:
    with ModelServer([{"fault": {"status": 401}}]) as server:
        connect(cli, server, wire)
        done = cli("run", "hi")
    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1].startswith("✗ ") and "Traceback" not in done.err
