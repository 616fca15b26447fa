"""A long job against the strict model server: what it does, where it may be cut, and what must be left of it.

Every file of the project has versions that are known in advance, so that half a file can be told from a whole one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from .cli import Cli
from .model_server import ModelServer

STEPS = 30
LAST = "All is done."
BODY = "".join(f"line {number} of a file that takes more than one moment to write\n" for number in range(2_000))
"""About 130 KB."""
PACE = 0.001


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool call of the model."""
    return {"name": tool, "arguments": arguments}


def bash(command: str) -> dict[str, Any]:
    """A command."""
    return call("bash", command=command, description="Do it")


def big(version: int) -> str:
    """A large file that is edited."""
    return f"version {version}\n{BODY}"


def page(version: int) -> str:
    """A file that is overwritten."""
    return f"page {version}\n" + f"the words of version {version}\n" * 300


def job() -> list[dict[str, Any]]:
    """Thirty steps: reads, searches, overwritten, edited and new files, commands, and two that stay behind."""
    steps: list[dict[str, Any]] = [
        {"text": "I look around first.", "calls": [call("read", file_path="big.txt", limit=5)]},
        {"calls": [bash("sleep 300 >/dev/null 2>&1 & echo in the background")]},
    ]
    for version in range(1, 7):
        steps += [
            {"text": f"Round {version} begins.", "calls": [call("write", file_path="page.txt", content=page(version))]},
            {
                "calls": [
                    call(
                        "edit",
                        file_path="big.txt",
                        old_string=f"version {version - 1}",
                        new_string=f"version {version}",
                    )
                ]
            },
            {
                "calls": [
                    call("read", file_path="page.txt"),
                    call("glob", pattern="*.txt"),
                    call("read", file_path="big.txt", limit=3),
                ]
            },
            {"text": "Does it run?", "calls": [bash(f"sleep 0.0{version}; wc -c page.txt")]},
        ]
    steps += [
        {
            "calls": [
                call("write", file_path="new/deep.txt", content=page(7)),
                call("write", file_path="new.txt", content=page(8)),
            ]
        },
        {"calls": [bash("(sleep 300; echo never) >/dev/null 2>&1 & sleep 0.05; echo started")]},
        {"calls": [call("grep", pattern="version", include="*.txt")]},
        {"text": LAST},
    ]
    assert len(steps) == STEPS
    return [{"pace": PACE, "chunk": 400, **step} for step in steps]


ALLOWED = {
    "big.txt": {big(version) for version in range(7)},
    "page.txt": {page(version) for version in range(7)},
    "new.txt": {page(8)},
    "new/deep.txt": {page(7)},
}


def prepare(cli: Cli, server: ModelServer) -> None:
    """A project under git, and settings that lead to the server."""
    cli.project.joinpath("big.txt").write_text(big(0))
    cli.project.joinpath("page.txt").write_text(page(0))
    git(cli.project, "init", "-q")
    git(cli.project, "add", ".")
    git(cli.project, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-q", "-m", "start")
    connect(cli, server)


def connect(cli: Cli, server: ModelServer) -> None:
    """Let the settings lead to the server."""
    options = {"baseURL": f"{server.url}/v1", "apiKey": "k"}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": {"test-model": {}}}
    cli.settings(model="local/test-model", provider={"local": provider})


def git(folder: Path, *words: str) -> str:
    """What git says."""
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def wrong_files(project: Path) -> list[str]:
    """Files that are neither the old nor the new content of a step, and files that nobody was asked to make."""
    wrong = []
    for line in git(project, "status", "--porcelain", "--untracked-files=all").splitlines():
        name = line[3:]
        if name not in ALLOWED or (project / name).read_text() not in ALLOWED[name]:
            wrong.append(line)
    return wrong


def wait_until(true: Callable[[], Any], process: subprocess.Popen[bytes] | None = None, seconds: float = 90) -> None:
    """Look until it is true.

    Raises:
        AssertionError: it did not become true in time, or the process ended before.
    """
    late = time.monotonic() + seconds
    while not true():
        assert process is None or process.poll() is None, f"the process ended: {process.communicate()}"
        assert time.monotonic() < late, "it did not happen in time"
        time.sleep(0.001)


def living(mark: str) -> list[str]:
    """Processes (their command lines) that run with `mark` in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state not in "ZX":
                    found.append(f"{entry.name} {(entry / 'cmdline').read_bytes().decode().replace(chr(0), ' ')}")
    return found


def database(cli: Cli) -> Path:
    """Where the log is."""
    return cli.home / ".local/share/mimocode/mimocode.db"


def count_facts(path: Path) -> int:
    """How many facts are in the log now; a reader beside the writer."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM facts").fetchone()[0])
    except sqlite3.Error:
        return 0  # it does not exist yet


def whole_lines(out: bytes) -> Iterator[dict[str, Any]]:
    """The JSON lines that were printed to their end."""
    for line in out.split(b"\n")[:-1]:
        yield json.loads(line)


def lost(out: bytes, export: dict[str, Any]) -> list[dict[str, Any]]:
    """What was shown (`--format json`) and is not in the exported log."""
    said: list[str] = []
    answered: dict[str, str] = {}
    for row in export["facts"]:
        fact = row["fact"]
        if fact["type"] == "message.added" and fact["message"]["role"] == "assistant":
            said += [
                block["text"] for block in fact["message"]["content"] if block.get("kind", block.get("type")) == "text"
            ]
        if fact["type"] == "call.finished":
            answered[fact["call_id"]] = "".join(block.get("text", "") for block in fact["content"])
    missing = []
    for line in whole_lines(out):
        part = line.get("part", {})
        if line["type"] == "text" and part["text"] not in said:
            missing.append(line)
        if line["type"] == "tool_use":
            state = part["state"]
            if answered.get(part["callID"]) != state.get("output", state.get("error")):
                missing.append(line)
    return missing


def environment(mark: str) -> dict[str, str]:
    """Lets `living` find what a run started, and their children."""
    return {"MIMO_TEST_MARK": mark, "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", "")}
