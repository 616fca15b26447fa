"""A real job over real HTTP: a repository with a failing test, and a user's settings that lead to a model server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimocode.events import encode
from mimocode_plugins.store.sqlite.store import SqliteStore
from support.cli import Cli, Done
from support.model_server import ModelServer

KEY = "sk-very-secret-1234567890"
WIRES = {"chat": "@ai-sdk/openai-compatible", "responses": "@ai-sdk/openai", "messages": "@ai-sdk/anthropic"}
PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}

FILES = {
    "shop/__init__.py": "",
    "shop/cart.py": "from shop.price import VAT\n\n\ndef total(net):\n    return net + VAT\n",
    "shop/price.py": "VAT = 0.02\n",
    "test_cart.py": (
        "import unittest\n\nfrom shop.cart import total\n\n\nclass Cart(unittest.TestCase):\n"
        "    def test_total(self):\n        self.assertEqual(total(100), 120)\n"
    ),
    ".gitignore": "__pycache__/\n",
}
CHANGES = ["-    return net + VAT", "+    return net * (1 + VAT)", "-VAT = 0.02", "+VAT = 0.2"]
"""What `git diff` must show after the job, file by file, and nothing else."""
ANSWER = "Both mistakes are corrected and the test passes."
TESTS = "python3 -B -m unittest -q"


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A tool call of the model."""
    return {"name": tool, "arguments": arguments}


def shell(command: str) -> dict[str, Any]:
    """A call that runs a command."""
    return call("bash", command=command, description="Work")


def job() -> list[dict[str, Any]]:
    """The model's part: see it fail, read both files at once, edit both, run the tests, answer."""
    cart = {"old_string": "net + VAT", "new_string": "net * (1 + VAT)"}
    price = {"old_string": "0.02", "new_string": "0.2"}
    return [
        {"text": "I run the test first.", "calls": [shell(TESTS)]},
        {"calls": [call("read", file_path="shop/cart.py"), call("read", file_path="shop/price.py")]},
        {
            "text": "Both are wrong.",
            "calls": [call("edit", file_path="shop/cart.py", **cart), call("edit", file_path="shop/price.py", **price)],
        },
        {"calls": [shell(TESTS)]},
        {"text": ANSWER},
    ]


def repository(folder: Path) -> None:
    """A fresh git repository whose test fails."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    author = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "start")):
        subprocess.run(["git", *author, *command], cwd=folder, check=True)


def changes(folder: Path) -> list[str]:
    """The changed lines of the repository, and files that are new."""
    git = ["git", "-C", str(folder)]
    new = subprocess.run([*git, "status", "--short", "-uall"], capture_output=True, text=True, check=True).stdout
    diff = subprocess.run([*git, "diff", "-U0"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in diff.splitlines() if line[0] in "+-" and not line.startswith(("+++", "---"))]
    return lines + [line for line in new.splitlines() if not line.startswith(" M ")]


def settings(cli: Cli, server: ModelServer | str, wire: str, *, model: str = "test-model", **more: Any) -> None:
    """A mimocode.json as an existing user has it. Keys of `more`: `options`, `record` (of the model), `env`, others."""
    url = server if isinstance(server, str) else server.url
    options = {"baseURL": f"{url}/v1", "apiKey": KEY} | more.pop("options", {})
    provider: dict[str, Any] = {"npm": WIRES[wire], "name": "Local", "options": options}
    provider["models"] = {model: more.pop("record", {})}
    if env := more.pop("env", None):
        provider["env"] = env
    retry = {"maxAttempts": 3, "firstWait": 0.02}
    cli.settings(**{"model": f"local/{model}", "provider": {"local": provider}, "retry": retry} | more)


@dataclass(frozen=True)
class Log:
    """The facts of one session."""

    facts: list[dict[str, Any]]

    @classmethod
    def of(cls, cli: Cli, session: str = "") -> Log:
        """Read it from the file, the latest session unless one is named."""
        with _stored(cli) as store:
            session = session or store.sessions()[0].id
            return cls([json.loads(encode(entry.event)) for entry in store.read(session)])

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        """The facts of one type."""
        return [fact for fact in self.facts if fact["type"] == kind]

    def said(self, role: str) -> list[str]:
        """The texts of a role's messages."""
        messages = [fact["message"] for fact in self.kinds("message.added")]
        return [
            "".join(b.get("text", "") for b in m["content"] if b["kind"] == "text")
            for m in messages
            if m["role"] == role
        ]

    def dangling(self) -> set[str]:
        """Calls without exactly one answer."""
        asked = [b["id"] for f in self.kinds("message.added") for b in f["message"]["content"] if b["kind"] == "call"]
        answered = [fact["call_id"] for fact in self.kinds("call.finished")]
        assert len(set(answered)) == len(answered), "a call was answered twice"
        return set(asked) ^ set(answered)


def sentence(done: Done) -> str:
    """The last line on stderr, the one that says what went wrong; never a traceback and never the key."""
    assert "\nTraceback" not in "\n" + done.err and KEY not in done.err + done.out, done.err
    return done.err.splitlines()[-1] if done.err else ""


def whole(cli: Cli) -> None:
    """Every log in this home is what was written, and the key is in none of the files."""
    with _stored(cli) as store:
        assert all(store.verify(session.id) == session.facts for session in store.sessions())
    data = cli.home / ".local/share/mimocode"
    leaks = [path for path in data.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert leaks == []


@contextmanager
def _stored(cli: Cli) -> Iterator[SqliteStore]:
    path = cli.home / ".local/share/mimocode/mimocode.db"
    assert path.is_file()
    store = SqliteStore(str(path))
    try:
        yield store
    finally:
        store.close()


def kept(server: ModelServer) -> None:
    """No request was refused, and each begins with all of the one before it."""
    assert [request.refused for request in server.requests if request.refused] == []
    assert server.prefix_kept() == [1.0] * len(server.requests)


def dumped(value: Any) -> str:
    """For looking for words in a request or a log."""
    return json.dumps(value, ensure_ascii=False)
