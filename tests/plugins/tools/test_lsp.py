"""After a change: formatted, diagnosed by language servers good and bad; the tool `lsp`."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import ToolCall
from mimocode_plugins.tools import lsp
from mimocode_plugins.tools.lsp import formatting, known
from mimocode_plugins.tools.lsp.findings import Finding, block, findings, fresh
from mimocode_plugins.tools.lsp.fleet import FLEET, fleet_of
from mimocode_plugins.tools.lsp.server import build
from mimocode_plugins.tools.lsp.settings import Formatter, Server
from mimocode_plugins.tools.place import Place
from support.calling import connected, until
from support.catalogues import catalogue
from support.lsp import fleet, warm, work, write

ODD = Path(__file__).parents[2] / "support/odd_language_server.py"


def odd(way: str, log: Path | None = None) -> dict[str, Server]:
    command = [sys.executable, str(ODD), way, *([str(log)] if log else [])]
    only = {each.id: Server(disabled=True) for each in known.KNOWN}
    return {**only, "odd": Server(command=command, extensions=[".txt"])}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_errors_of_a_change_come_with_its_result_once_the_server_is_up(tmp_path: Path) -> None:
    calls = [
        write("a.txt", "fine", 1),
        write("a.txt", "odd\nfine\nwrong", 2),
        write("a.txt", "odd\nnow\n\nwrong", 3),
        write("a.txt", "wrong\nwrong too", 4),
        write("a.txt", "fine", 5),
    ]
    async with work(tmp_path, *calls, servers=odd("fine")) as (session, step):
        assert await step() == "Wrote file successfully."
        await warm(session)
        await session.settled()
        assert await step() == (
            'Wrote file successfully.\n\n<diagnostics file="a.txt">\nERROR [3:1] wrong (odd)\nWARNING [1:1] odd (odd)\n</diagnostics>'
        )
        assert await step() == "Wrote file successfully."  # nothing is new, though it moved
        assert await step() == (
            'Wrote file successfully.\n\n<diagnostics file="a.txt">\nERROR [2:1] wrong too (odd)\n'
            "(1 more error that was there before)\n</diagnostics>"
        )
        assert await step() == "Wrote file successfully."


async def test_a_server_that_asks_is_answered(tmp_path: Path) -> None:
    async with work(tmp_path, write("a.txt", "fine", 1), write("a.txt", "wrong", 2), servers=odd("asks")) as (
        session,
        step,
    ):
        await step()
        await warm(session)
        assert "ERROR [1:1] wrong (odd)" in await step()


async def test_patch_edit_and_multiedit_are_changes_too_and_reading_wakes_the_server(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b.txt").write_text("one\n")
    both = "*** Begin Patch\n*** Update File: a.txt\n@@\n-two\n+wrong a\n*** Add File: c.txt\n+wrong c\n*** End Patch"
    calls = [
        ToolCall("1", "read", {"file_path": "a.txt"}),
        ToolCall("2", "edit", {"filePath": "a.txt", "oldString": "one", "newString": "two"}),
        ToolCall("3", "apply_patch", {"patch_text": both}),
        ToolCall(
            "4", "multiedit", {"file_path": "a.txt", "edits": [{"old_string": "wrong a", "new_string": "wrong b"}]}
        ),
    ]
    async with work(tmp_path, *calls, servers=odd("fine")) as (session, step):
        await step()
        await warm(session)
        assert "diagnostics" not in await step()
        patched = await step()
        assert "ERROR [1:1] wrong a (odd)" in patched
        assert "ERROR [1:1] wrong c (odd)" in patched
        assert "ERROR [1:1] wrong b (odd)" in await step()
        display = [e.event for e in session._store.read(session.id) if type(e.event).__name__ == "CallFinished"][
            -1
        ].display
        assert display["diagnostics"] == [
            {"path": str(tmp_path / "a.txt"), "line": 1, "column": 1, "message": "ERROR [1:1] wrong b (odd)"}
        ]


async def test_without_servers_or_trust_nothing_is_loaded_or_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with work(tmp_path, write("a.txt", "wrong"), servers=odd("fine", log), trusted=False) as (session, step):
        assert await step() == "Wrote file successfully."
        assert FLEET not in session.host.stash
    async with work(tmp_path, write("a.other", "wrong"), servers=odd("fine", log)) as (session, step):
        assert await step() == "Wrote file successfully."
        assert fleet(session).stations == {}
    assert not log.exists()


@pytest.mark.parametrize(
    "way", ["dies", "dies-late", "hangs", "mute", "deaf", "floods", "huge", "nonsense", "wrong-json"]
)
async def test_a_bad_server_costs_a_bounded_time_and_nothing_else(tmp_path: Path, way: str) -> None:
    log = tmp_path / "log"
    calls = [write("a.txt", f"wrong {n}", n) for n in range(4)]
    async with work(tmp_path, *calls, servers=odd(way, log)) as (session, step):
        await step()
        await asyncio.wait({fleet(session).stations["odd", tmp_path]._starting}, timeout=8)  # type: ignore[arg-type]
        for _ in range(3):
            begin = time.monotonic()
            assert (await step()).startswith("Wrote file successfully.")
            assert time.monotonic() - begin < 30
        begin = time.monotonic()
    assert time.monotonic() - begin < 30
    pids = [int(pid) for pid in log.read_text().split()]
    assert len(pids) <= 2  # one that fell rests before it is started again
    await until(lambda: not any(map(alive, pids)))


async def test_why_a_server_is_gone_can_be_read(tmp_path: Path) -> None:
    async with work(tmp_path, write("a.txt", "x"), servers=odd("dies")) as (session, step):
        await step()
        station = fleet(session).stations["odd", tmp_path]
        await until(lambda: station.state not in ("idle", "starting"))
        assert station.state == "it ended with exit code 4 (no licence found)"
        async with connected(build(Place(tmp_path, tmp_path), fleet(session)), tmp_path) as tools:
            said = await tools.fails("lsp", operation="hover", file_path="a.txt")
            assert said == "The language server does not run. odd: it ended with exit code 4 (no licence found)"


async def test_a_server_that_died_is_started_again_after_a_rest(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with work(
        tmp_path,
        write("a.txt", "fine", 1),
        write("a.txt", "wrong", 2),
        write("a.txt", "wrong 2", 3),
        servers=odd("fine", log),
    ) as (session, step):
        await step()
        await warm(session)
        station = fleet(session).stations["odd", tmp_path]
        os.kill(int(log.read_text()), 9)
        await until(lambda: not station.ready)
        assert await step() == "Wrote file successfully."
        station._again = 0  # the rest is over
        await warm(session)
        assert "ERROR [1:1] wrong 2 (odd)" in await step()
        assert len(log.read_text().split()) == 2


async def test_the_servers_and_what_they_started_end_with_the_last_session(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with work(tmp_path, write("a.txt", "x"), servers=odd("child", log)) as (session, step):
        await step()
        await warm(session)
        async with session.host.open(parent=session) as child:
            assert fleet_of(child) is fleet(session)
        pids = [int(pid) for pid in log.read_text().split()]
        assert len(pids) == 2
        assert all(map(alive, pids))
    await until(lambda: not any(map(alive, pids)))


async def test_a_server_dies_with_us_even_when_we_are_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"""
import asyncio, sys
from pathlib import Path
from mimocode_plugins.tools.lsp.wire import Wire
async def main():
    await Wire.start([sys.executable, {str(ODD)!r}, "hangs", {str(log)!r}], Path({str(tmp_path)!r}), {dict(os.environ)!r}, {{}})
    await asyncio.sleep(3600)
asyncio.run(main())
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, env=env)
    await until(lambda: log.exists() and log.read_text().endswith("\n"), 30)
    await asyncio.sleep(0)
    (pid,) = map(int, log.read_text().split())
    assert alive(pid)
    await until(lambda: _watched(pid))
    process.kill()
    await process.wait()
    await until(lambda: not alive(pid))


def _watched(pid: int) -> bool:
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"kill -s KILL\0{pid}\0" in (entry / "cmdline").read_text().replace(
                ' -- "-$0"', ""
            ):
                return True
        except OSError:
            continue
    return False


# Formatters.

UPPER = [
    sys.executable,
    "-c",
    "import sys,pathlib as p,os; f=p.Path(sys.argv[1]); f.write_text(f.read_text().upper()+os.environ.get('END',''))",
    "$FILE",
]


async def test_a_formatter_runs_first_and_what_it_did_is_shown_and_known(tmp_path: Path) -> None:
    mine = {"up": Formatter(command=UPPER, extensions=[".txt"], environment={"END": "!"})}
    edit = ToolCall("2", "edit", {"file_path": "a.txt", "old_string": "HELLO", "new_string": "BYE"})
    async with work(tmp_path, write("a.txt", "hello\n"), edit, write("a.md", "x", 3), formatter=mine) as (_, step):
        said = await step()
        assert said.startswith("Wrote file successfully.\n\nup has reformatted a.txt:\n")
        assert "-hello\n+HELLO\n" in said
        assert (tmp_path / "a.txt").read_text() == "HELLO\n!"
        assert (await step()).startswith("Replaced 1 place.")  # the agent need not read what it was shown
        assert await step() == "Wrote file successfully."


async def test_after_many_changes_of_a_formatter_the_file_must_be_read_again(tmp_path: Path) -> None:
    mine = {"up": Formatter(command=UPPER, extensions=[".txt"])}
    edit = ToolCall("2", "edit", {"file_path": "a.txt", "old_string": "LINE 7\n", "new_string": "x"})
    text = "".join(f"line {n}\n" for n in range(100))
    async with work(tmp_path, write("a.txt", text), edit, formatter=mine) as (_, step):
        assert (await step()).endswith("up has reformatted a.txt; read it again before you edit it.")
        assert "Read " in await step()


async def test_a_formatter_that_fails_is_a_notice_for_the_user_only(tmp_path: Path) -> None:
    bad = {
        "bad": Formatter(command=[sys.executable, "-c", "import sys; sys.exit('no such style')"], extensions=[".txt"])
    }
    seen: list[str] = []
    async with work(tmp_path, write("a.txt", "hello\n"), formatter=bad) as (session, step):

        async def watch() -> None:
            async for entry in session.follow():
                seen.append(str(getattr(entry.event, "text", "")))

        watching = asyncio.create_task(watch())
        assert await step() == "Wrote file successfully."
        watching.cancel()
    assert "bad could not format a.txt: no such style" in seen


def test_ruff_and_uv_are_disabled_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ruff", "uv"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "uv.lock").touch()
    assert "ruff" in [f.name for f in formatting.formatters(True, tmp_path)]
    names = [f.name for f in formatting.formatters({"uv": Formatter(disabled=True)}, tmp_path)]
    assert not {"ruff", "uv"} & set(names)


# Values.


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["range", "start", "line", "character", "message", "severity", "code"]), inner
            )
        ),
    )
)
def test_no_diagnostics_make_it_fail(raw: Any) -> None:
    for finding in findings(raw, "x"):
        assert str(finding).count("\n") == 0


def test_only_what_is_new_counts_however_often_it_is_said() -> None:
    a, b, c = Finding(1, 1, 1, "x", "s"), Finding(5, 1, 1, "x", "s"), Finding(9, 1, 1, "y", "s")
    assert fresh([a, b, c], [b]) == [b, c]
    assert fresh([a], [a, c]) == []


def test_a_block_is_bounded() -> None:
    many = [Finding(n, 1, 1, "m" * 1000, "s") for n in range(1, 31)]
    told = block("a", many)
    assert told.endswith("... and 10 more\n</diagnostics>")
    assert len(told) < 20 * 340 + 100


def test_which_servers_a_file_gets(tmp_path: Path) -> None:
    def ids(setting: Any, name: str) -> list[str]:
        return [server.id for server in known.configured(setting) if known.ending(Path(name)) in server.extensions]

    assert ids(False, "a.py") == []
    assert ids(True, "a.go") == ["gopls"]
    assert ids({"gopls": Server(disabled=True)}, "a.go") == []
    assert ids({"mine": Server(command=["m"], extensions=[".go"])}, "a.go") == ["mine", "gopls"]
    assert ids({"mine": Server(command=["m"])}, "a.go") == ["gopls"]  # a server of one's own needs extensions
    assert ids(True, "Dockerfile") == ["dockerfile"]
    folder = tmp_path / "sub/deep"
    folder.mkdir(parents=True)
    (tmp_path / "sub/go.mod").touch()
    gopls = next(server for server in known.KNOWN if server.id == "gopls")
    assert known.home(gopls, folder / "a.go", tmp_path) == tmp_path / "sub"
    assert known.home(gopls, tmp_path / "a.go", tmp_path) == tmp_path


def test_servers_do_not_see_credentials() -> None:
    given = {"PATH": "/bin", "OPENAI_API_KEY": "s", "GITHUB_TOKEN": "s", "KEYBOARD": "us", "MIMOCODE_AUTH_CONTENT": "s"}
    assert known.environment(given) == {"PATH": "/bin", "KEYBOARD": "us"}


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.lsp"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(Place(Path("/"), Path("/"))))


async def test_the_tool_is_offered_where_servers_may_run(tmp_path: Path) -> None:
    async with work(tmp_path) as (session, _):
        assert lsp.tool_servers(session) == []
        session.host.settings["lsp"] = True  # type: ignore[index]
        assert [server.name for server in lsp.tool_servers(session)] == ["lsp"]
        session.host.trusted = False
        assert lsp.tool_servers(session) == []
