"""Logging in to a remote MCP server: a real identity provider on this machine, a real command line, a real browser's part."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mimocode_plugins.tools.external.login.callback import LoginFailed, listening
from support.cli import Cli

SUPPORT = Path(__file__).parents[2] / "support"
BROWSER = f"{sys.executable} {SUPPORT / 'browser.py'} %s"
SECRET = [{"calls": [{"name": "guarded_secret", "arguments": {}}]}, {"text": "ok"}]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def listening_at(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process listens."""
    ends = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None and time.monotonic() < ends
        time.sleep(0.02)


class Place:
    """A home, a project, and a guarded server in its settings."""

    def __init__(self, folder: Path) -> None:
        self.cli, self.happened, self.port = Cli(folder / "c"), folder / "happened", free_port()
        self.happened.mkdir()
        self.callback = f"http://127.0.0.1:{free_port()}/back"
        self.configure()

    def configure(self, **more: Any) -> None:
        entry = {"type": "remote", "url": f"http://127.0.0.1:{self.port}/mcp"}
        self.cli.settings(mcp={"guarded": {**entry, "oauth": {"redirectUri": self.callback}, **more}})

    @contextmanager
    def served(self, lifetime: int = 3600) -> Iterator[None]:
        words = [sys.executable, str(SUPPORT / "guarded_server.py"), str(self.port), str(self.happened), str(lifetime)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                listening_at(self.port, process)
                yield
            finally:
                process.kill()

    def noted(self, what: str) -> list[str]:
        path = self.happened / what
        return path.read_text().split("\n")[:-1] if path.exists() else []

    @property
    def file(self) -> Path:
        return self.cli.home / ".local/share/mimocode/mcp-auth.json"

    def entry(self) -> dict[str, Any]:
        [text] = json.loads(self.file.read_text()).values()
        entry: dict[str, Any] = json.loads(text)
        return entry

    def spend(self) -> None:
        """Let the access token be over, as far as we know."""
        [(name, text)] = json.loads(self.file.read_text()).items()
        self.file.write_text(json.dumps({name: json.dumps({**json.loads(text), "expiresAt": 1})}))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_log_in_use_it_log_out(place: Place) -> None:
    cli = place.cli
    with place.served():
        before = cli("mcp", "list")
        assert before.out.startswith("⚠ needs login  guarded"), before.err
        assert "run `mimo mcp auth guarded`" in before.err
        assert cli("mcp", "auth").out.startswith("✗ not logged in  guarded")
        debugged = cli("mcp", "debug", "guarded")
        assert debugged.code == 1 and debugged.out.splitlines()[1] == "✗ not logged in"
        assert debugged.out.splitlines()[2].startswith("HTTP 401, WWW-Authenticate: Bearer ")
        done = cli("mcp", "auth", "guarded", BROWSER=BROWSER)
        assert (done.code, done.out) == (0, "logged in to guarded; it offers 1 tool\n"), done.err
        assert place.noted("registered") == ["MiMo Code"] and len(place.noted("codes")) == 1
        assert stat.S_IMODE(place.file.stat().st_mode) == 0o600
        ran = cli("run", "--format", "json", "-m", cli.scenario(SECRET), "go")
        assert "the inside" in ran.out, ran.err
        assert place.entry()["tokens"]["access_token"] not in ran.out + ran.err + done.err
        assert cli("mcp", "auth").out.startswith("✓ logged in  guarded")
        assert cli("mcp", "logout", "guarded").out == "logged out of guarded\n"
        assert cli("mcp", "logout", "guarded").code == 2
        assert "needs login" in cli("mcp", "list").out and json.loads(place.file.read_text()) == {}


def test_ten_processes_refresh_once(place: Place) -> None:
    """A refresh token works once: two refreshes at the same time would end the login."""
    cli = place.cli
    with place.served():
        assert cli("mcp", "auth", "guarded", BROWSER=BROWSER).code == 0
        place.spend()
        with ThreadPoolExecutor(5) as pool:
            done = list(pool.map(lambda _: cli("mcp", "list"), range(5)))
        assert [each.out.split("  ")[0] for each in done] == ["✓ 1 tool"] * 5, done[0].err
        assert place.noted("refreshes") == ["fine"]


def test_a_token_that_the_server_forgot_is_refreshed_after_its_401(place: Place) -> None:
    cli = place.cli
    with place.served(lifetime=1):
        assert cli("mcp", "auth", "guarded", BROWSER=BROWSER).code == 0
        [(name, text)] = json.loads(place.file.read_text()).items()
        place.file.write_text(json.dumps({name: json.dumps({**json.loads(text), "expiresAt": None})}))
        ends = time.time() + 2
        while time.time() < ends and not place.noted("refreshes"):  # the token ends by the clock
            assert cli("mcp", "list").out.startswith("✓ 1 tool")
        assert set(place.noted("refreshes")) == {"fine"}


def test_a_login_that_is_over_says_what_to_do(place: Place) -> None:
    with place.served():
        assert place.cli("mcp", "auth", "guarded", BROWSER=BROWSER).code == 0
    place.spend()
    with place.served():  # another process, which knows nobody
        listed = place.cli("mcp", "list")
        assert listed.out.startswith("⚠ needs login") and "mimo mcp auth guarded" in listed.err
        assert place.cli("mcp", "auth", "guarded", BROWSER=BROWSER).code == 0
        assert len(place.noted("registered")) == 2  # the registration was not kept there either


def test_a_refusal_and_a_server_that_registers_nobody(place: Place) -> None:
    with place.served():
        (place.happened / "refuse").touch()
        refused = place.cli("mcp", "auth", "guarded", BROWSER=BROWSER)
        assert refused.code == 1 and "the login was refused: access_denied" in refused.err
    (place.happened / "closed").touch()
    with place.served():
        place.cli("mcp", "logout", "guarded")
        closed = place.cli("mcp", "auth", "guarded", BROWSER=BROWSER)
        assert closed.code == 1 and 'put the "clientId"' in closed.err


def test_what_cannot_log_in_says_so(place: Place) -> None:
    place.configure(oauth=False)
    assert 'or "oauth": false' in place.cli("mcp", "auth", "guarded").err
    place.cli.settings(mcp={"here": {"type": "local", "command": ["x"]}})
    assert "runs on this machine" in place.cli("mcp", "auth", "here").err
    assert "there is here" in place.cli("mcp", "auth", "nobody").err
    assert place.cli("mcp", "auth").err == "mimo: there is no remote MCP server that one could log in to\n"


def test_who_we_are_can_be_given_when_a_server_is_added(place: Place) -> None:
    added = place.cli("mcp", "add", "other", "https://x.test/mcp", "--client-id", "me", "--client-secret", "{env:S}")
    assert added.code == 0
    entry = json.loads((place.cli.home / ".config/mimocode/mimocode.json").read_text())["mcp"]["other"]
    assert entry["oauth"] == {"clientId": "me", "clientSecret": "{env:S}"}


def test_a_keyring_is_preferred_to_the_file(place: Place) -> None:
    kept = place.cli.home / "ring.json"
    (place.cli.site / "ring.py").write_text(
        f"""
import json, pathlib
from keyring.backend import KeyringBackend
FILE = pathlib.Path({str(kept)!r})
class Ring(KeyringBackend):
    priority = 5
    def _all(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {{}}
    def get_password(self, service, name):
        return self._all().get(f"{{service}} {{name}}")
    def set_password(self, service, name, secret):
        FILE.write_text(json.dumps(self._all() | {{f"{{service}} {{name}}": secret}}))
    def delete_password(self, service, name):
        table = self._all()
        del table[f"{{service}} {{name}}"]
        FILE.write_text(json.dumps(table))
"""
    )
    env = {"PYTHON_KEYRING_BACKEND": "ring.Ring", "BROWSER": BROWSER}
    with place.served():
        done = place.cli("mcp", "auth", "guarded", **env)
        assert done.code == 0, done.err
        [(name, text)] = json.loads(kept.read_text()).items()
        assert name.startswith("mimocode mcp/guarded/") and "access_token" in text
        assert not place.file.exists()
        assert place.cli("mcp", "list", **env).out.startswith("✓ 1 tool")
        assert place.cli("mcp", "logout", "guarded", **env).code == 0 and json.loads(kept.read_text()) == {}


async def fetch(url: str) -> tuple[int, str]:
    def get() -> tuple[int, str]:
        try:
            with urllib.request.urlopen(url, timeout=60) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return await asyncio.to_thread(get)


async def test_only_the_answer_to_this_login_counts(unused: Callable[[], str]) -> None:
    address = unused()
    async with listening(address) as callback:
        callback.expect("mine")
        assert (await fetch(f"{address}?code=evil&state=other"))[0] == 400
        assert (await fetch(f"{address}?code=evil"))[0] == 400
        assert (await fetch(address.replace("/back", "/") + "?state=mine&code=x"))[0] == 404
        status, page = await fetch(f"{address}?code=good&state=mine&iss=x")
        assert status == 200 and re.search("logged in", page)
        assert await callback.answer() == {"code": "good", "state": "mine", "iss": "x"}
        await fetch(f"{address}?code=late&state=mine")
        assert (await callback.answer())["code"] == "good"


async def test_nobody_comes(unused: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    from mimocode_plugins.tools.external.login import callback as module

    monkeypatch.setattr(module, "PATIENCE", 0.05)
    async with listening(unused()) as callback:
        with pytest.raises(LoginFailed, match="nobody logged in"):
            await callback.answer()


@pytest.fixture
def unused() -> Callable[[], str]:
    return lambda: f"http://127.0.0.1:{free_port()}/back"
