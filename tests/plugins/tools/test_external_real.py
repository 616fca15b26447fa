"""Servers that others wrote, from npm and PyPI, used through sessions. `.ci/run` installs them; absent ones are named."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mimocode.events import Say
from mimocode.testing import talk
from plugins.tools.test_external import call
from plugins.tools.test_external_voice import Inhabited
from support.calling import until
from support.cli import ROOT

PLACES = [str(ROOT / ".ci/.mcp/node_modules/.bin"), str(ROOT / ".ci/.mcp/venv/bin")]


@pytest.fixture
def house(tmp_path: Path) -> Inhabited:
    (tmp_path / "home").mkdir()
    return Inhabited(tmp_path)


def configure(house: Inhabited, name: str, program: str, *words: str, **more: object) -> None:
    """Put a server into the settings, or pass the test over."""
    found = shutil.which(program, path=os.pathsep.join([*PLACES, os.environ["PATH"]]))
    if found is None:
        pytest.skip(f"there is no {program}: .ci/run installs it")
    house.servers[name] = {"type": "local", "command": [found, *words], "timeout": 120_000, **more}


async def listed(house: Inhabited) -> None:
    """Wait until every server said what it offers; on a busy machine that takes longer than a first turn waits."""
    async with house.session("hello") as session:
        await session.submit(Say("go"))
        await session.settled()
        names = house.servers.keys()
        await until(lambda: names <= {spec.server for spec in session.toolbox.specs.values()}, 120)
    house.notices.clear()


# -- npm ----------------------------------------------------------------------------


async def test_everything(house: Inhabited) -> None:
    configure(house, "all", "mcp-server-everything")
    await listed(house)
    long = {"duration": 0.2, "steps": 2}
    said = await house.say(
        call("all_echo", message="over there"),
        call("all_get-sum", a=2, b=3),
        call("all_trigger-long-running-operation", **long),
        call("all_get-tiny-image"),
        call("all_get-roots-list"),
        call("all_get-structured-content", location="New York"),
        "done",
    )
    results = said[2::2]
    assert results[:2] == ["tool: Echo: over there", "tool: The sum of 2 and 3 is 5."]
    assert results[2].startswith("tool: Long running operation completed")
    assert house.root.as_uri() in results[4]
    assert "temperature" in results[5]
    assert "all_get-env" in house.offered and house.notices == []


async def test_prompts_and_resources_of_everything(house: Inhabited) -> None:
    configure(house, "all", "mcp-server-everything")
    await listed(house)
    uri = "demo://resource/static/document/features.md"
    async with house.session("done") as session:
        commands = await session.host.commands()
        assert {"all:simple-prompt", "all:args-prompt"} <= commands.keys()
        assert "Oslo" in (await commands["all:args-prompt"].run("Oslo", session) or "")
        await session.submit(Say(f"What is in @all:{uri} ?"))
        await session.settled()
        asked = house.script.seen[0].messages[0].text
    assert f'<resource server="all" uri="{uri}">' in asked and "Everything" in asked


async def test_filesystem_stays_where_we_work(house: Inhabited) -> None:
    project = house.root
    configure(house, "fs", "mcp-server-filesystem", str(project))
    await listed(house)
    said = await house.say(
        call("fs_write_file", path=str(project / "a.txt"), content="one\n"),
        call("fs_edit_file", path=str(project / "a.txt"), edits=[{"oldText": "one", "newText": "two"}]),
        call("fs_read_text_file", path=str(project / "a.txt")),
        call("fs_read_text_file", path="/etc/hostname"),
        "done",
    )
    assert (project / "a.txt").read_text() == "two\n" and "two" in said[6]
    assert said[8].startswith("tool: Access denied")


# -- PyPI ---------------------------------------------------------------------------


async def test_git(house: Inhabited) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=A", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *words], cwd=house.root, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    (house.root / "a.txt").write_text("one\n")
    git("add", "a.txt")
    git("commit", "-qm", "First of all")
    (house.root / "a.txt").write_text("two\n")
    configure(house, "git", "mcp-server-git", "--repository", str(house.root))
    await listed(house)
    where = {"repo_path": str(house.root)}
    said = await house.say(
        call("git_git_log", **where),
        call("git_git_diff_unstaged", **where),
        call("git_git_status", repo_path="/"),
        "ok",
    )
    assert "First of all" in said[2] and "+two" in said[4]
    assert "First of all" not in said[6] and "/" in said[6]  # outside of the repository it was given


class Page(http.server.BaseHTTPRequestHandler):
    """A page of this machine."""

    def do_GET(self) -> None:
        body = (
            b"<html><body><article><h1>Near</h1><p>A page of this machine, and of no other.</p></article></body></html>"
        )
        self.send_response(200 if self.path == "/page" else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Quiet."""


@pytest.fixture
def page() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/page"
        server.shutdown()
        thread.join()


async def test_fetch(house: Inhabited, page: str) -> None:
    configure(house, "web", "mcp-server-fetch", "--ignore-robots-txt", "--allow-private-ips")
    await listed(house)
    said = await house.say(call("web_fetch", url=page), "done")
    assert "A page of this machine, and of no other." in said[2]
    async with house.session() as session:
        assert "web:fetch" in await session.host.commands()


async def test_time(house: Inhabited) -> None:
    configure(house, "time", "mcp-server-time", "--local-timezone", "UTC")
    await listed(house)
    asked = {"time": "12:00", "source_timezone": "Europe/Berlin", "target_timezone": "UTC"}
    said = await house.say(call("time_convert_time", **asked), call("time_convert_time", **asked | {"time": "?"}), "ok")
    assert json.loads(said[2].removeprefix("tool: "))["target"]["timezone"] == "UTC"
    assert "nvalid time" in said[4]


async def test_all_at_once_are_ready_together(house: Inhabited) -> None:
    """Five servers cost no more waiting than the slowest of them, and a sixth that is broken only a notice."""
    configure(house, "all", "mcp-server-everything")
    configure(house, "fs", "mcp-server-filesystem", str(house.root))
    configure(house, "git", "mcp-server-git")
    configure(house, "time", "mcp-server-time")
    house.servers["broken"] = {"type": "local", "command": ["false"]}
    async with house.session("done", call("time_get_current_time", timezone="UTC"), "done") as session:
        await session.submit(Say("go"))
        await session.settled()
        ready = {"all_echo", "fs_read_file", "git_git_log", "time_convert_time"}
        await until(lambda: ready <= session.toolbox.specs.keys(), 120)
        await session.submit(Say("go on"))
        await session.settled()
        assert '"timezone": "UTC"' in talk(session)[4]
    assert any("'broken' cannot be used" in notice for notice in house.notices)
