"""webfetch against a real site on loopback, and against everything that is not the web."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode_plugins.tools.web.fetching import Page
from mimocode_plugins.tools.web.guarding import is_public
from mimocode_plugins.tools.web.reading import readable
from mimocode_plugins.tools.web.server import build
from support.calling import Tools, connected
from support.catalogues import catalogue
from support.site import Answer, Site, site

PAGE = """<!doctype html><html><head><title>Guide &amp; more</title><style>p{}</style></head><body>
<nav><a href="/x">menu</a></nav><h1>Guide</h1><p>Use <code>a*b</code> and <a href="/d">docs</a>.</p>
<pre><code class="language-py">x = 1\n</code></pre><ul><li>one</li><li>two</li></ul>
<table><tr><th>k</th></tr><tr><td>v</td></tr></table><script>evil()</script><footer>foot</footer></body></html>"""


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as running:
        yield running


@pytest.fixture
async def tools(here: Site, tmp_path: Path) -> AsyncIterator[Tools]:
    async with connected(build([f"127.0.0.1:{here.port}"]), tmp_path) as tools:
        yield tools


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Tools]:
    async with connected(build(), tmp_path) as tools:
        yield tools


async def test_a_page_comes_as_markdown_text_or_html(tools: Tools, here: Site) -> None:
    here.pages["/"] = Answer(PAGE.encode())
    result = await tools.raw("webfetch", url=here.url + "/")
    assert result.content[0].text == (
        "# Guide & more\n\n# Guide\n\nUse `a*b` and [docs](/d).\n\n```\nx = 1\n```\n\n- one\n- two\n\n"
        "| k |\n| --- |\n| v |"
    )
    assert result.structured_content == {"title": here.url + "/", "status": 200, "bytes": len(PAGE.encode())}
    text = await tools("webfetch", url=here.url + "/", format="text")
    assert "Guide" in text and "evil" not in text and "<" not in text
    assert await tools("webfetch", url=here.url + "/", format="html") == PAGE
    assert "mimocode" in here.asked[0][2]["user-agent"]


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/json", b'{"a": 1}', '{"a": 1}'),
        ("text/plain; charset=latin-1", "é".encode("latin-1"), "é"),
        ("", b"plain words", "plain words"),
        ("text/html", '<meta charset="windows-1251"><p>Ж'.encode("windows-1251"), "Ж"),
        ("text/html", b"", "(The page has no text.)"),
        ("application/vnd.api+json", b"[]", "[]"),
    ],
)
async def test_texts_of_all_kinds(tools: Tools, here: Site, kind: str, body: bytes, expected: str) -> None:
    here.pages["/t"] = Answer(body, kind)
    assert await tools("webfetch", url=here.url + "/t") == expected


async def test_images_are_attached_and_other_bytes_refused(tools: Tools, here: Site) -> None:
    here.pages["/i"] = Answer(b"\x89PNG..", "image/png")
    here.pages["/b"] = Answer(b"\0\1", "application/octet-stream")
    _, image = (await tools.raw("webfetch", url=here.url + "/i")).content
    assert (image.mime_type, base64.b64decode(image.data)) == ("image/png", b"\x89PNG..")
    assert "is application/octet-stream, 2 bytes, which cannot be shown" in await tools.fails(
        "webfetch", url=here.url + "/b"
    )


async def test_redirects_stay_with_the_host_that_was_asked_for(tools: Tools, here: Site) -> None:
    here.pages["/a"] = Answer(status=302, headers={"Location": "/b"})
    here.pages["/b"] = Answer(b"here", "text/plain")
    here.pages["/away"] = Answer(status=301, headers={"Location": "http://169.254.169.254/latest/meta-data"})
    here.pages["/file"] = Answer(status=301, headers={"Location": "file:///etc/passwd"})
    here.pages["/round"] = Answer(status=307, headers={"Location": "/round"})
    assert await tools("webfetch", url=here.url + "/a") == "here"
    assert await tools("webfetch", url=here.url + "/away") == (
        f"{here.url}/away redirects to another host: http://169.254.169.254/latest/meta-data\n"
        "Fetch that address if you need it."
    )
    assert "is not a web address" in await tools.fails("webfetch", url=here.url + "/file")
    assert "redirects more than 5 times" in await tools.fails("webfetch", url=here.url + "/round")


@pytest.mark.parametrize(
    "host",
    [
        *["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]"],
        *["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254"],
        *["10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "[fe80::1]", "[fc00::1]", "[ff02::1]", "224.0.0.1"],
        *["localhost.", "LOCALHOST", "[::127.0.0.1]", "255.255.255.255", "192.0.2.1", "198.18.0.1"],
    ],
)
async def test_nothing_but_the_public_web_is_reached(strict: Tools, here: Site, host: str) -> None:
    said = await strict.fails("webfetch", url=f"http://{host}:{here.port}/")
    assert "not on the public internet" in said or "There is no host" in said or "cannot be fetched" in said, said
    assert here.asked == []


@pytest.mark.parametrize(
    "url",
    [
        *["file:///etc/passwd", "ftp://example.com", "javascript:x", "data:text/plain,x", "//x", "", "http://", "x"],
        *[
            "http://user:pass@127.0.0.1",
            "http://a b",
            "http://a\nb",
            "http://x\\@y",
            "http://a:99999999",
            "http://[::1",
        ],
        "gopher://127.0.0.1:70",
    ],
)
async def test_what_is_no_web_address(strict: Tools, url: str) -> None:
    await strict.fails("webfetch", url=url)


async def test_a_name_is_resolved_once_and_what_it_meant_is_connected_to(
    here: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers differently the second time changes nothing."""
    answers, real = iter(["127.0.0.1", "127.0.0.2"]), socket.getaddrinfo

    def rebinding(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        return real(next(answers) if name == "rebind.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    here.pages["/"] = Answer(b"pinned", "text/plain")
    async with connected(build(["rebind.test"]), tmp_path) as tools:
        assert await tools("webfetch", url=f"http://rebind.test:{here.port}/") == "pinned"
    assert here.asked[0][2]["host"] == f"rebind.test:{here.port}"
    assert next(answers) == "127.0.0.2"  # nobody asked a second time


async def test_a_proxy_of_the_environment_is_no_way_round(
    strict: Tools, here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, here.url)
    assert "not on the public internet" in await strict.fails("webfetch", url="http://10.1.2.3/")
    assert here.asked == []


async def test_size_and_time_are_bounded(tools: Tools, here: Site) -> None:
    here.pages["/endless"] = Answer(b"x" * 65_536, "text/plain", drip=True)
    here.pages["/bomb"] = Answer(gzip.compress(b"\0" * 200_000_000), "text/plain", headers={"Content-Encoding": "gzip"})
    here.pages["/deep"] = Answer(b"<div>" * 20_000 + b"bottom", "text/html")
    start = time.monotonic()
    text = await tools("webfetch", url=here.url + "/endless")
    assert len(text) < 5_100_000 and text.endswith("(Cut at 5 MB.)")
    assert len(await tools("webfetch", url=here.url + "/bomb")) < 5_100_000
    assert "bottom" in await tools("webfetch", url=here.url + "/deep")
    assert time.monotonic() - start < 60
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        async with connected(build(["127.0.0.1"]), tools.directory) as patient:
            message = await patient.fails("webfetch", url=f"http://127.0.0.1:{port}/", timeout=0.3)
    assert message == f"http://127.0.0.1:{port}/ did not answer completely within 0.3 s."
    assert "at most 120" in await tools.fails("webfetch", url=here.url, timeout=500)


CHALLENGE = Answer(b"Just a moment...", status=403, headers={"cf-mitigated": "challenge"})


async def test_who_is_challenged_to_be_a_browser_asks_once_more_as_what_it_is(tools: Tools, here: Site) -> None:
    def let_in(headers: Mapping[str, str], body: bytes) -> Answer | None:
        return Answer(b"let in", "text/plain") if headers["user-agent"] == "mimocode" else None

    here.pages["/"] = replace(CHALLENGE, unless=let_in)
    here.pages["/never"] = CHALLENGE
    here.pages["/forbidden"] = Answer(b"members only", "text/plain", 403)
    assert await tools("webfetch", url=here.url + "/") == "let in"
    assert "answered with HTTP 403" in await tools.fails("webfetch", url=here.url + "/never")
    assert "members only" in await tools.fails("webfetch", url=here.url + "/forbidden")
    paths = [path for _, path, _, _ in here.asked]
    assert paths == ["/", "/", "/never", "/never", "/forbidden"]


async def test_an_error_of_the_server_is_told_with_what_it_said(tools: Tools, here: Site) -> None:
    assert await tools.fails("webfetch", url=here.url + "/no") == f"{here.url}/no answered with HTTP 404.\nnothing here"


@given(
    st.binary(max_size=200), st.sampled_from(["text/html", "text/plain", ""]), st.sampled_from(["", "utf-8", "x-odd"])
)
def test_whatever_the_bytes_they_become_text(data: bytes, kind: str, encoding: str) -> None:
    assert isinstance(readable(Page("http://x", 200, kind, data, encoding), "markdown"), str)


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_does_not_make_it_public(address: ipaddress.IPv4Address) -> None:
    for wrapped in (
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        f"2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::",
    ):
        assert is_public(ipaddress.ip_address(wrapped)) == is_public(address)


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.web"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build())
