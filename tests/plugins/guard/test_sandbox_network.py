"""The proxy that is the way out of a sandbox: what its list means, what it refuses, and that there is no other way."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.events import Say
from mimocode.messages import ToolCall
from mimocode.ports import Agent
from mimocode.testing import play
from mimocode_plugins.guard import sandbox
from mimocode_plugins.guard.sandbox import bubblewrap, sharing
from mimocode_plugins.guard.sandbox.box import BOX, wrapped
from mimocode_plugins.guard.sandbox.names import Rule, Target, canonical, reachable, rules, target
from mimocode_plugins.guard.sandbox.proxy import Proxy, Refused, asked
from mimocode_plugins.guard.sandbox.sharing import Network
from mimocode_plugins.tools import shell
from support.cell import Cell, Ears, cell, need
from support.cli import Cli

# What a list means.

LIST = rules(["Example.org", "*.npmjs.org", "bücher.example", "127.0.0.1:8080", "[::1]:8080", "one.test:8443"])
ALLOWED = [
    "example.org:443", "EXAMPLE.org:80", "example.org.:443", "registry.npmjs.org:443", "a.b.npmjs.org:443",
    "xn--bcher-kva.example:443", "127.0.0.1:8080", "[::1]:8080", "[0:0:0:0:0:0:0:1]:8080", "one.test:8443",
]  # fmt: skip
DENIED = [
    "evil.test:443", "example.org:22", "example.org:8443", "npmjs.org:443", "evilnpmjs.org:443", "npmjs.org.evil.test:443",
    "one.test:443", "127.0.0.1:80", "127.0.0.2:8080", "[::2]:8080", "sub.example.org:443", "[::ffff:127.0.0.1]:8080",
]  # fmt: skip
UNCLEAR = [
    "example.org\0.evil.test:443", "example.org%00.evil.test:443", "evil.test@example.org:443", "a:b@example.org:443",
    "example.org/@evil.test:443", "example.org#:443", "example.org\\.evil.test:443", "example.org :443", " example.org:443",
    "ｅxample.org:443", "bücher.example:443", "example。org:443", "exa\u00admple.org:443", "example..org:443", "example.org..:443",
    ".example.org:443", "-example.org:443", "2130706433:8080", "0x7f000001:8080", "0x7f.1:8080", "127.1:8080",
    "0177.0.0.1:8080", "127.0.0.1.:99999", "127.0.0.01:8080", "127.0.0.256:8080", "1.2.3.4.5:80", "[::1%lo]:8080", "[::1:8080",
    "::1:8080", "example.org", "example.org:", "example.org:0", "example.org:65536", "example.org:+443", "example.org:４４３",
    "example.org:443:443", "", ":443", "[]:443", "[127.0.0.1]:8080", "a" * 64 + ".org:443", "a." * 127 + "org:443",
]  # fmt: skip


def _allows(text: str) -> bool | None:
    found = target(text)
    return None if found is None else any(rule.allows(found) for rule in LIST)


def test_a_list_allows_what_it_says() -> None:
    assert {text: _allows(text) for text in ALLOWED} == dict.fromkeys(ALLOWED, True)


def test_a_list_allows_nothing_else() -> None:
    assert {text: _allows(text) for text in DENIED} == dict.fromkeys(DENIED, False)


def test_what_could_be_read_in_two_ways_is_not_read() -> None:
    assert {text: _allows(text) for text in UNCLEAR} == dict.fromkeys(UNCLEAR, None)


def test_an_empty_list_allows_nothing() -> None:
    assert rules([]) == ()


@pytest.mark.parametrize(
    "entry",
    ["", "*", "*.", "https://x.org", "x.org/path", "a@b.org", "*.127.0.0.1", "x.org:http", "a b", "x*.org", "1.2"],
)
def test_an_entry_that_is_no_host_is_said_to_be_none(entry: str) -> None:
    with pytest.raises(ValueError, match="is no host: say"):
        rules([entry])


@given(st.text(max_size=40))
def test_a_canonical_host_is_its_own(text: str) -> None:
    host = canonical(text)
    spelt = f"[{host}]" if ":" in host else host
    assert not host or canonical(spelt) == host
    assert host.isascii()


REACHED = {
    ("93.184.216.34", Rule("x.org")): True,
    ("2606:2800:220:1::1", Rule("x.org")): True,
    ("127.0.0.1", Rule("x.org")): False,
    ("::1", Rule("x.org")): False,
    ("::ffff:127.0.0.1", Rule("x.org")): False,
    ("169.254.169.254", Rule("x.org")): False,
    ("::ffff:169.254.169.254", Rule("x.org")): False,
    ("2002:a9fe:a9fe::1", Rule("x.org")): False,
    ("fe80::1%eth0", Rule("x.org")): False,
    ("0.0.0.0", Rule("x.org")): False,
    ("10.0.0.1", Rule("registry.corp")): True,
    ("10.0.0.1", Rule("corp", below=True)): False,
    ("127.0.0.1", Rule("localhost", 80)): True,
    ("127.0.0.1", Rule("127.0.0.1", 80)): True,
    ("127.0.0.2", Rule("127.0.0.1", 80)): False,
}


def test_a_name_leads_nowhere_else() -> None:
    """Whoever owns a name can point it at this machine, at the address of a cloud's secrets, into a private network."""
    assert {case: reachable(*case) for case in REACHED} == REACHED


# What a request is.


def test_a_request_says_where_to() -> None:
    assert asked(b"CONNECT x.org:443 HTTP/1.1\r\nHost: evil.test\r\n\r\n") == (Target("x.org", 443), b"")
    head = b"GET http://x.org/a?b HTTP/1.1\r\nHost: evil.test\r\nProxy-Authorization: x\r\nConnection: keep-alive\r\nAccept: */*\r\n\r\n"
    sent = b"GET /a?b HTTP/1.1\r\nHost: x.org\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    assert asked(head) == (Target("x.org", 80), sent)
    assert asked(b"POST HTTP://x.org:8080 HTTP/1.1\r\n\r\n")[1].startswith(b"POST / HTTP/1.1\r\nHost: x.org:8080\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1", b"GET https://x.org/ HTTP/1.1", b"GET ftp://x.org/ HTTP/1.1", b"CONNECT x.org HTTP/1.1",
        b"CONNECT x.org:443 HTTP/2", b"CONNECT x.org:443\0.evil.test HTTP/1.1", b"connect x.org:443 HTTP/1.1",
        b"GET http://x.org@evil.test/ HTTP/1.1", b"GET http://x.org\\evil.test/ HTTP/1.1", b"GET  http://x.org/ HTTP/1.1",
        b"GET http://x.org/ HTTP/1.1\r\n folded: x", b"GET http://x.org/ HTTP/1.1\r\nA: b\nHost: evil.test", b"",
        b"GET http://x.org/ HTTP/1.1\r\n\r\nX: y", b"\x16\x03\x01\x02", b"CONNECT [::1 HTTP/1.1", b"GET http:///x HTTP/1.1",
    ],
)  # fmt: skip
def test_what_is_no_plain_request_is_refused(head: bytes) -> None:
    with pytest.raises(Refused):
        asked(head + b"\r\n\r\n")


# The proxy at work.


class Site:
    """A server that says what it was asked, and sends away whoever asks for /away."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(f"{self.command} {self.path} {self.headers['Host']}")
                self.send_response(302 if self.path == "/away" else 200)
                if self.path == "/away":
                    self.send_header("Location", site.away)
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"hello")

            def log_message(self, *words: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        """End."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def other() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture
def box() -> Iterator[Cell]:
    with cell() as made:
        yield made


@asynccontextmanager
async def open_proxy(folder: Path, *entries: str) -> AsyncIterator[tuple[Path, list[tuple[str, bool]]]]:
    """A proxy with this list, its socket, and what it told."""
    told: list[tuple[str, bool]] = []

    async def tell(where: Target, allowed: bool) -> None:
        told.append((str(where), allowed))

    proxy = Proxy(rules(entries), tell)
    await proxy.listen(folder / "gate")
    try:
        yield folder / "gate", told
    finally:
        await proxy.close()


async def test_commands_inside_reach_what_is_listed_and_nothing_else(box: Cell, site: Site, other: Site) -> None:
    program = need(bubblewrap.NAME)
    here, there = f"localhost:{site.port}", f"localhost:{other.port}"
    site.away = f"http://{there}/secret"
    get = f"""import urllib.request as u, urllib.error as e, socket
def get(url):
    try:
        print(u.urlopen(url, timeout=20).read().decode())
    except e.HTTPError as error:
        print(error.code, error.read().decode().strip())
def connect(where):
    s = socket.create_connection(("127.0.0.1", 3128))
    s.sendall(b"CONNECT " + where + b" HTTP/1.1\\r\\n\\r\\n")
    first = s.recv(100).split(b"\\r")[0].decode()
    print(first)
    if " 200 " in first:
        s.sendall(b"GET /tunnel HTTP/1.0\\r\\n\\r\\n")
        print(s.recv(100).split(b"\\r")[0].decode())
import os
for name in ("NO_PROXY", "no_proxy"):
    os.environ.pop(name)
get("http://{here}/plain")
get("http://{there}/plain")
get("http://{here}/away")
connect(b"{here}")
connect(b"{there}")
connect(b"localhost.evil.test:{site.port}")
try:
    socket.create_connection(("127.0.0.1", {site.port}), 3)
except OSError as error:
    print(type(error).__name__)
"""
    if any(Path(each).is_relative_to("/tmp") for each in (sys.prefix, bubblewrap.__file__)):
        pytest.skip("what runs this lies below /tmp, which is private inside; only a whole session shows it")
    (box.project / "get.py").write_text(get)
    async with open_proxy(box.base, here) as (gate, told):
        argv = bubblewrap.command(program, box.plan(), box.none, box.project, [sys.executable, "get.py"], gate)
        done = await asyncio.to_thread(box.run, argv)
    refused = f"403 mimo sandbox: {there} is not in the list sandbox.network"
    assert (done.stdout.splitlines(), done.stderr) == (
        ["hello", refused, refused, "HTTP/1.1 200 Connection established", "HTTP/1.0 200 OK",
         "HTTP/1.1 403 Forbidden", "HTTP/1.1 403 Forbidden", "ConnectionRefusedError"], "",
    )  # fmt: skip
    assert site.asked == [f"GET /plain {here}", f"GET /away {here}", "GET /tunnel None"]
    assert other.asked == []
    assert told == [(here, True), (there, False), (f"localhost.evil.test:{site.port}", False)]


async def test_the_proxy_ends_with_its_connections(tmp_path: Path) -> None:
    async with open_proxy(tmp_path, "localhost:1") as (gate, _):
        reader, writer = await asyncio.open_unix_connection(gate)
        writer.write(b"CONNECT localhost:1 HTTP/1.1\r\n\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 502 Bad Gateway\r\n"
        writer.close()
        idle, open_ = await asyncio.open_unix_connection(gate)
        await asyncio.sleep(0)
    assert await idle.read() == b""
    open_.close()


@pytest.mark.parametrize(("program", "code"), [("exit 7", 7), ("kill -9 $$", 137), ("exit 0", 0)])
def test_the_bridge_ends_as_its_program_does(tmp_path: Path, program: str, code: int) -> None:
    bridge = Path(bubblewrap.__file__).with_name("bridge.py")
    words = [sys.executable, "-I", "-S", str(bridge), str(tmp_path / "none"), "0", "sh", "-c", program]
    assert subprocess.run(words, check=False, timeout=30).returncode == code


def test_a_session_with_a_list(tmp_path: Path, site: Site, other: Site) -> None:
    """The whole product: what is listed is reached and noted, what is not is refused and told."""
    need(bubblewrap.NAME)
    cli = Cli(tmp_path)
    cli.settings(sandbox={"network": [f"localhost:{site.port}"]}, permission={"*": "allow", "egress": "allow"})
    urls = [f"http://localhost:{each.port}/x" for each in (site, other)]
    calls = [{"calls": [{"name": "bash", "arguments": {"command": f"curl -sS --noproxy '' {url}"}}]} for url in urls]
    done = cli("run", "-m", cli.scenario([*calls, {"text": "Done."}]), "Go.")
    assert done.code == 0, done.err
    assert (len(site.asked), other.asked) == (1, [])
    assert f"a command wanted to reach localhost:{other.port}" in done.err, done
    shown = [line.split(maxsplit=1)[1] for line in cli("sandbox").out.splitlines() if "reached" in line]
    assert shown == [f"localhost:{site.port}"]
    acts = [act for act in cli("audit", "last", "--json").lines if act["tool"] == "sandbox"]
    assert [(act["kinds"], act["what"], act["decision"], act["rule"], act["result"]) for act in acts] == [
        (["network"], [f"localhost:{site.port}"], "allowed", "sandbox.network lists it", "let through"),
        (["network"], [f"localhost:{other.port}"], "denied", "sandbox.network does not list it", "refused"),
    ]
    assert "  rule      sandbox.network does not list it" in cli("audit").out


def test_a_list_that_makes_no_sense_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli.settings(sandbox={"network": ["https://pypi.org"]})
    done = cli("sandbox")
    assert done.code != 0
    assert '"https://pypi.org" is no host: say "example.org"' in done.err
    assert "mimocode.json" in done.err


SERVES = "python3 -m http.server 3000 --bind 127.0.0.1"
ASKS = (
    "for n in $(seq 300); do curl -sf -o /dev/null --max-time 5 http://localhost:3000/README.md && echo reached && break;"
    " sleep 0.1; done"
)


def shared() -> None:
    """Pass the test over where commands cannot share a network."""
    need(bubblewrap.NAME)
    if shutil.which("nsenter") is None:
        pytest.skip("there is no nsenter")


async def test_a_server_in_the_background_is_reached_by_the_next_command_and_by_nobody_else(
    box: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared()
    monkeypatch.setenv("HOME", str(box.home))
    with ExitStack() as stack:
        ears = Ears(box, stack)
        outwards = (
            f"curl -s --max-time 3 http://127.0.0.1:{box.env['TCP4']}/ || echo refused; "
            "curl -s --max-time 3 http://192.0.2.1/ || echo refused; "
            "ip link 2>/dev/null | grep -c '^[0-9]*: [^l]'; cat /proc/net/dev | wc -l"
        )
        calls = [
            {"command": SERVES, "run_in_background": True},
            {"command": ASKS, "timeout": 60_000},
            {"command": outwards},
        ]
        steps = [[ToolCall(f"{n}", "bash", given)] for n, given in enumerate(calls)]
        async with play(*steps, "Done.", plugins=[sandbox, shell], directory=box.project) as session:
            await session.submit(Say("Go."))
            await session.settled()
            keeper = session.stash[BOX].shared._keeper
            said = [message.text for message in session.state.messages if message.role == "tool"]
            with pytest.raises(OSError):
                socket.create_connection(("127.0.0.1", 3000), 1).close()
            session.agent = Agent("plan", options={"read_only": True})
            alone = await wrapped(["true"], box.project, session)
        assert said[1] == "reached"
        assert said[2].splitlines()[:2] == ["refused", "refused"]
        assert ears.heard == []
    assert "--unshare-net" in alone and "nsenter" not in alone[0], "who only looks reaches no server"
    assert keeper.returncode is not None


async def test_without_nsenter_every_command_has_a_network_to_itself(
    box: Cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(bubblewrap.NAME)
    monkeypatch.setattr(sharing, "_NSENTER", "/nowhere")
    async with play(plugins=[sandbox, shell], directory=box.project) as session:
        argv = await wrapped(["true"], box.project, session)
        assert "--unshare-net" in argv
        assert session.stash[BOX].shared.why == "the program nsenter is not there"


async def test_a_network_whose_keeper_died_is_made_anew(box: Cell) -> None:
    shared()
    async with play(plugins=[sandbox, shell], directory=box.project) as session:
        first = await wrapped(["true"], box.project, session)
        session.stash[BOX].shared._keeper.kill()
        await session.stash[BOX].shared._keeper.wait()
        second = await wrapped(["true"], box.project, session)
        assert first[:3] == second[:3] and first[4] != second[4]
        assert (await asyncio.to_thread(box.run, second)).returncode == 0


async def test_commands_that_share_a_network_share_the_way_to_the_proxy(
    box: Cell, site: Site, other: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared()
    network = Network(need(bubblewrap.NAME))
    async with open_proxy(box.base, f"localhost:{site.port}") as (gate, told):
        entry = await network.entry(gate)
        assert network.why == ""
        for where, code in ((site, 0), (other, 22)):
            url = f"http://localhost:{where.port}/plain"
            words = ["curl", "-sf", "--noproxy", "", url]
            plan, program = box.plan(), need(bubblewrap.NAME)
            argv = bubblewrap.command(program, plan, box.none, box.project, words, gate, entry)
            assert (await asyncio.to_thread(box.run, argv)).returncode == code
        await network.close()
    assert [allowed for _, allowed in told] == [True, False]
    assert other.asked == []
