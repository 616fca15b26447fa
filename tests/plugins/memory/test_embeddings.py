"""What means the same in other words is found, with a server that knows which words mean the same."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.host import Host
from mimocode_plugins.memory import embeddings, files, index
from mimocode_plugins.memory.embeddings.vectors import Vectors, sum_of
from mimocode_plugins.memory.index.desk import Desk, close
from mimocode_plugins.store import sqlite, workspace

MEANINGS = [{"car", "automobile", "vehicle"}, {"error", "failure", "crash"}, {"port", "socket"}, {"colour", "blue"}]


def meaning(text: str) -> list[float]:
    """One number for each meaning, and a little for every text."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return [0.1, *(float(len(words & each)) for each in MEANINGS)]


class Server:
    """An endpoint that speaks OpenAI's embeddings."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.status = 200
        self.answer: Any = None

    def reply(self, body: dict[str, Any]) -> bytes:
        self.asked.append(body["input"])
        if self.answer is not None:
            return json.dumps(self.answer).encode()
        rows = [{"object": "embedding", "index": n, "embedding": meaning(t)} for n, t in enumerate(body["input"])]
        return json.dumps({"object": "list", "data": rows[::-1], "model": body["model"], "usage": {}}).encode()


@contextmanager
def serving() -> Iterator[tuple[str, Server]]:
    kept = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            assert (self.path, self.headers["authorization"]) == ("/v1/embeddings", "Bearer key-123")
            self.send_response(kept.status)
            self.end_headers()
            self.wfile.write(kept.reply(body))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", kept
        finally:
            server.shutdown()
            thread.join()


def host(home: Path, directory: Path, said: list[str], **settings: Any) -> Host:
    config = home / ".config/mimocode"
    config.mkdir(parents=True, exist_ok=True)
    (config / "mimocode.json").write_text(json.dumps({"embeddings": settings} if settings else {}))
    plugins = [workspace, sqlite, files, index, embeddings]
    return Host(plugins, directory=directory, external=False, complain=said.append)


KEPT = ["The automobile needs new tyres.", "The crash came from a null pointer.", "Everything is painted blue."]


async def remember(here: Host) -> None:
    for text in KEPT:
        await Desk(here).propose(text)


async def found(here: Host, query: str) -> list[str]:
    return [hit.text for hit in await Desk(here).search(query)]


async def test_other_words_for_the_same_thing(home: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with serving() as (url, server):
        here = host(home, tmp_path, said, url=url, model="m", apiKey="key-123")
        await remember(here)
        assert await found(here, "vehicle") == KEPT[:1]
        assert await found(here, "failure") == KEPT[1:2]
        # the words win where both find something, and nothing is there twice
        assert (await found(here, "null pointer failure"))[0] == KEPT[1]
        hits = await found(here, "null pointer failure")
        assert len(set(hits)) == len(hits)
        await close(here)
    assert said == []
    assert server.asked[0][0] == "vehicle" and set(KEPT) <= set(server.asked[0][1:])
    assert {len(texts) for texts in server.asked[1:]} == {1}, "what is known is not asked again"


async def test_a_new_process_does_not_ask_for_what_is_kept(home: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with serving() as (url, server):
        first = host(home, tmp_path, said, url=url, model="m", apiKey="key-123")
        await remember(first)
        await found(first, "car")
        await close(first)
        (first.paths.data / "memory.db").unlink()  # the index can be made anew
        second = host(home, tmp_path, said, url=url, model="m", apiKey="key-123")
        assert await found(second, "car") == KEPT[:1]
        await close(second)
    assert (server.asked[0][0], server.asked[1:]) == ("car", [["car"]])
    assert said == []


async def test_off_is_off(home: Path, tmp_path: Path) -> None:
    said: list[str] = []
    here = host(home, tmp_path, said)
    await remember(here)
    assert await found(here, "vehicle") == []
    assert not (here.paths.data / "vectors.db").exists()
    await close(here)
    assert said == []


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (500, None, "no embeddings from .*: status 500"),
        (200, {"data": []}, "are no embeddings: ValueError 0 vectors for"),
        (200, {"data": [{"index": 0, "embedding": ["x"]}]}, "are no embeddings: ValueError"),
        (200, [], "are no embeddings: TypeError"),
    ],
)
async def test_an_endpoint_that_fails_costs_no_search(
    home: Path, tmp_path: Path, status: int, answer: Any, words: str
) -> None:
    said: list[str] = []
    with serving() as (url, server):
        server.status, server.answer = status, answer
        here = host(home, tmp_path, said, url=url, model="m", apiKey="key-123")
        await remember(here)
        assert (await found(here, "automobile"))[0] == KEPT[0]
        assert (await found(here, "pointer"))[0] == KEPT[1]
        await close(here)
    assert len(server.asked) == 1, "it is left alone for a while"
    assert len(said) == 1 and re.search(words, said[0]), said
    assert "key-123" not in said[0]


async def test_nobody_listens(home: Path, tmp_path: Path) -> None:
    said: list[str] = []
    here = host(home, tmp_path, said, url="http://127.0.0.1:1", model="m")
    await remember(here)
    assert (await found(here, "automobile"))[0] == KEPT[0]
    await close(here)
    assert len(said) == 1 and "no embeddings from http://127.0.0.1:1/embeddings" in said[0]


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "vectors.db").write_bytes(b"not a database at all, by any means" * 40)
    with pytest.raises(Exception, match=r"the vectors of the memory in .*vectors\.db cannot be used: .*; delete it"):
        Vectors(tmp_path / "vectors.db")


numbers = st.floats(-1, 1, allow_nan=False, width=32)


@given(
    st.lists(st.lists(numbers, min_size=3, max_size=3), min_size=1, max_size=12),
    st.lists(numbers, min_size=3, max_size=3),
)
def test_cosines_are_cosines(
    tmp_path_factory: pytest.TempPathFactory, kept: list[list[float]], asked: list[float]
) -> None:
    def cosine(a: list[float], b: list[float]) -> float:
        return math.fsum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))

    kept = [vector for vector in kept if math.hypot(*vector) > 0.1]
    if math.hypot(*asked) <= 0.1:
        return
    vectors = Vectors(tmp_path_factory.mktemp("vectors") / "v.db")
    names = {sum_of(str(n)): vector for n, vector in enumerate(kept)}
    vectors.keep("m", names)
    vectors.keep("other", {name: [1.0, 2.0] for name in names})
    vectors.ask(names)
    assert vectors.missing("m") == set() and vectors.missing("third") == set(names)
    got = vectors.alike("m", asked, 0.3, 99)
    wanted = {name: cosine(vector, asked) for name, vector in names.items()}
    assert (
        {n for n, value in wanted.items() if value > 0.3001} <= set(got) <= {n for n, v in wanted.items() if v > 0.2999}
    )
    assert all(abs(got[name] - wanted[name]) < 1e-3 for name in got)
    vectors.close()
