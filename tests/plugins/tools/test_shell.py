"""Bash, through a real MCP client on the real server."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode_plugins.tools.place import Place
from mimocode_plugins.tools.shell import groups, jobs
from mimocode_plugins.tools.shell import spool as spooling
from mimocode_plugins.tools.shell.environment import environment, is_secret
from mimocode_plugins.tools.shell.server import build
from mimocode_plugins.tools.shell.spool import Spool
from support.calling import Tools, connected, until
from support.catalogues import catalogue

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def tools(tmp_path: Path) -> AsyncIterator[Tools]:
    (tmp_path / "project").mkdir()
    async with connected(build(Place(tmp_path, tmp_path), tmp_path / "out"), tmp_path / "project") as tools:
        yield tools


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _python(program: str, **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **env})


def _text(file: Path) -> str:
    return file.read_text()


def _mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def _notes(text: str) -> str:
    found = re.search(r"<bash_metadata>\n(.*)\n</bash_metadata>\Z", text, re.DOTALL)
    return found[1] if found else ""


# -- the story ----------------------------------------------------------------


async def test_a_command_runs_and_its_output_comes_back_in_order(tools: Tools, tmp_path: Path) -> None:
    result = await tools.raw("bash", command="echo one; echo two >&2; echo three; pwd", description="Count")
    assert result.content[0].text == f"one\ntwo\nthree\n{tmp_path}/project"
    assert result.structured_content == {
        "title": "Count",
        "exit": 0,
        "output": f"one\ntwo\nthree\n{tmp_path}/project\n",
    }
    assert not (tmp_path / "out").exists()


async def test_a_failing_command_says_so(tools: Tools) -> None:
    result = await tools.raw("bash", command="echo no; exit 3")
    assert (result.is_error, result.structured_content["exit"]) == (False, 3)
    assert result.content[0].text == "no\n\n<bash_metadata>\nExit code 3.\n</bash_metadata>"
    assert await tools("bash", command="true") == "(no output)"
    assert _notes(await tools("bash", command="kill -SEGV $$")) == "Killed by SIGSEGV."
    assert "command not found" in await tools("bash", command="no-such-command")


async def test_a_command_runs_where_it_is_told(tools: Tools, tmp_path: Path) -> None:
    (tmp_path / "project/sub").mkdir()
    assert await tools("bash", command="pwd", workdir="sub") == f"{tmp_path}/project/sub"
    assert await tools.fails("bash", command="pwd", workdir="gone") == (
        f"The working directory {tmp_path}/project/gone does not exist."
    )


async def test_commands_that_cannot_be_started(tools: Tools) -> None:
    assert "such as NUL" in await tools.fails("bash", command="echo a\0b")
    assert "argument list too long" in await tools.fails("bash", command="echo " + "x" * 200_000)
    assert "cannot be negative" in await tools.fails("bash", command="true", timeout=-1)
    assert await tools("bash", command="echo fine") == "fine"


async def test_nothing_waits_for_input(tools: Tools) -> None:
    assert (
        await tools("bash", command="cat; read -r line; echo got $line; git config --global -e 2>&1 | head -1")
        is not None
    )
    assert _notes(await tools("bash", command="test -t 0 || test -t 1")) == "Exit code 1."


async def test_output_that_is_no_text_is_still_shown(tools: Tools) -> None:
    assert await tools("bash", command=r"printf 'a\xffb\r\nc'") == "a�b\nc"


async def test_after_a_conflict_the_work_of_both_sides_is_called_to_mind(tools: Tools) -> None:
    git = "git -c user.name=a -c user.email=a@b -c init.defaultBranch=main"
    begin = f"{git} init -q; echo 1 > f; git add f; {git} commit -qm 1; git checkout -qb other; echo 2 > f"
    await tools("bash", command=f"{begin}; {git} commit -qam 2; git checkout -q main; echo 3 > f; {git} commit -qam 3")
    notes = _notes(await tools("bash", command=f"{git} merge other")).splitlines()
    assert notes[0] == "Exit code 1."
    assert notes[1].startswith("Git reports conflicts. Both sides are somebody's work")


# -- long output --------------------------------------------------------------


async def test_of_long_output_start_and_end_are_shown_and_all_is_kept(tools: Tools, tmp_path: Path) -> None:
    result = await tools.raw("bash", command="seq 100000")
    lines = result.content[0].text.splitlines()
    assert (lines[0], lines[-1]) == ("1", "100000")
    file = Path(result.structured_content["file"])
    assert file.parent == tmp_path / "out"
    assert _text(file) == "".join(f"{n}\n" for n in range(1, 100_001))
    assert (_mode(file), _mode(file.parent)) == (0o600, 0o700)
    (note,) = [line for line in lines if line.startswith("... ")]
    left_out = int(note.split()[1])
    assert note.endswith(f"the whole output is in {file} (grep it, or read it with offset) ...")
    assert left_out + sum(line.isdigit() for line in lines) == 100_000
    assert len(result.structured_content["output"]) == 30_000
    assert len(result.content[0].text) < 52_000


async def test_a_number_of_tokens_keeps_half_and_half(tools: Tools) -> None:
    lines = (await tools("bash", command="seq 1000", max_output_tokens=50)).splitlines()
    assert (lines[0], lines[35], lines[-1]) == ("1", "36", "1000")
    assert "tokens left out" in lines[37]


async def test_output_without_end_is_stopped(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "LARGEST", 1024 * 1024)
    result = await tools.raw("bash", command="yes")
    assert "it printed more than" in _notes(result.content[0].text)
    assert len(_text(Path(result.structured_content["file"]))) == 1024 * 1024


async def test_output_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with connected(build(Place(tmp_path, tmp_path), tmp_path / "file/out"), tmp_path) as tools:
        text = await tools("bash", command="seq 100000; echo end >&2")
    assert text.startswith("1\n2\n")
    assert _notes(text) == "Not all output could be kept: a part of the path is not a directory."


@given(st.lists(st.binary(max_size=3000), max_size=40), st.integers(0, 400))
def test_what_is_shown_is_short_and_true(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], tokens: int
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool"))
    for chunk in chunks:
        spool.write(chunk)
    shown = spool.shown(tokens)
    whole = b"".join(chunks)
    spool.close()
    assert (spool.size, spool.lines) == (len(whole), whole.count(b"\n"))
    if len(whole) <= (tokens * 4 or spooling.BYTES):
        assert shown == whole.decode("utf-8", "replace").replace("\r\n", "\n")
    else:
        assert spool.path is not None and spool.path.read_bytes() == whole
        assert len(shown) <= (tokens * 4 or spooling.BYTES) + 400


@given(st.lists(st.sampled_from(["é", "日本", "x\n", "\n"]), min_size=1, max_size=3000), st.integers(1, 100))
def test_characters_are_not_cut_in_two(tmp_path_factory: pytest.TempPathFactory, parts: list[str], tokens: int) -> None:
    spool = Spool(tmp_path_factory.getbasetemp())
    spool.write("".join(parts).encode())
    assert "�" not in spool.shown(tokens)
    spool.close()
    if spool.path:
        spool.path.unlink()


# -- live, late, cancelled ----------------------------------------------------


async def test_output_is_reported_while_the_command_runs(tools: Tools, tmp_path: Path) -> None:
    heard: list[str] = []

    async def hear(done: float, total: float | None, text: str | None) -> None:
        heard.append(text or "")
        (tmp_path / "go").touch()  # the command goes on when the first report is here

    command = f"echo first; until test -e {tmp_path}/go; do sleep 0.01; done; echo second"
    meta = {"mimocode/directory": str(tmp_path)}
    result = await tools.client.call_tool("bash", {"command": command}, progress_callback=hear, meta=meta)
    assert (heard[0], result.content[0].text) == ("first\n", "first\nsecond")


async def test_a_command_over_its_time_is_ended_with_all_it_started(tools: Tools, tmp_path: Path) -> None:
    text = await tools("bash", command=f"echo begun; sleep 600 & echo $! > {tmp_path}/pid; wait", timeout=100)
    assert text.startswith("begun\n")
    assert _notes(text) == "Ended after its timeout of 100 ms. Give a longer timeout if it needs more time."
    await until(lambda: not _runs(int((tmp_path / "pid").read_text())))


async def test_a_command_that_does_not_listen_is_killed(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "TERM_GRACE", 0.2)
    command = f"trap '' TERM; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done"
    assert "timeout of 100 ms" in await tools("bash", command=command, timeout=100)
    await until(lambda: not _runs(int((tmp_path / "pid").read_text())))


async def test_cancelling_returns_at_once_and_ends_the_command(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "TERM_GRACE", 3.0)
    pid = tmp_path / "pid"
    command = (
        f"trap '' TERM; (trap '' TERM; echo $BASHPID > {pid}.tmp; mv {pid}.tmp {pid}; while :; do sleep 1; done); :"
    )
    call = asyncio.create_task(tools.raw("bash", command=command))
    await until(pid.exists)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert _runs(int(pid.read_text())), "it was not waited for"
    await until(lambda: not _runs(int(pid.read_text())))
    assert await tools("bash", command="echo next") == "next"


async def test_what_stays_in_the_background_does_not_hold_up_the_call(tools: Tools, tmp_path: Path) -> None:
    start = time.monotonic()
    command = (
        f"(until test -e {tmp_path}/go; do sleep 0.01; done; echo late; sleep 600) & echo $! > {tmp_path}/pid; echo now"
    )
    text = await tools("bash", command=command)
    assert time.monotonic() - start < 60
    assert text.startswith("now\n\n<bash_metadata>\nProcesses it started still run (process group ")
    (tmp_path / "go").touch()
    (file,) = (tmp_path / "out").iterdir()
    assert str(file) in text
    await until(lambda: file.read_text() == "now\nlate\n")
    assert _runs(int((tmp_path / "pid").read_text()))


async def test_what_stays_in_the_background_ends_with_the_session(tmp_path: Path) -> None:
    async with connected(build(Place(tmp_path, tmp_path), tmp_path / "out"), tmp_path) as tools:
        await tools("bash", command="(trap '' TERM; sleep 600; sleep 600) >/dev/null 2>&1 & echo $! > pid")
        pid = int((tmp_path / "pid").read_text())
        assert _runs(pid)
    await until(lambda: not _runs(pid))


# -- jobs ---------------------------------------------------------------------


async def test_a_job_runs_on_and_is_read_and_killed(tools: Tools, tmp_path: Path) -> None:
    command = f"echo one; until test -e {tmp_path}/go; do sleep 0.01; done; echo two; sleep 600 & echo $! > pid; wait"
    result = await tools.raw("bash", command=command, description="Serve", run_in_background=True)
    assert re.fullmatch(
        r"Started as job1 \(process group \d+\); the tool jobs shows its output. It ends with the session.",
        result.content[0].text,
    )
    assert result.structured_content == {"title": "Serve", "job": "job1"}
    seen = ""
    while "one" not in seen:
        seen = await tools("jobs", operation="output", id="job1")
    assert re.fullmatch(r"one\n\n\(job1: running for \d+ s\)", seen)
    assert (await tools("jobs", operation="output", id="job1")).startswith("(no new output)")
    assert re.fullmatch(r"job1: running for \d+ s: Serve", await tools("jobs", operation="list"))
    (tmp_path / "go").touch()
    await until(lambda: (tmp_path / "project/pid").exists() and (tmp_path / "project/pid").read_text())
    assert re.fullmatch(
        r"two\n\n\(job1: ended by signal 15 after \d+ s\)", await tools("jobs", operation="kill", id="job1")
    )
    await until(lambda: not _runs(int((tmp_path / "project/pid").read_text())))
    assert "had ended already" in await tools("jobs", operation="kill", id="job1")


async def test_the_end_of_a_job_is_waited_for(tools: Tools) -> None:
    await tools("bash", command="echo begun; sleep 0.1; exit 3", run_in_background=True)
    seen = await tools("jobs", operation="output", id="job1", wait=60_000)
    assert seen == "begun\n\n(job1: exit code 3 after 0 s)"


async def test_a_job_has_a_limit_when_it_is_given_one(tools: Tools) -> None:
    await tools("bash", command="sleep 600", run_in_background=True, timeout=50)
    seen = await tools("jobs", operation="output", id="job1", wait=60_000)
    assert seen.startswith("(no new output)\n\n(job1: timed out after ")


async def test_of_a_talkative_job_the_end_is_shown(tools: Tools, tmp_path: Path) -> None:
    await tools("bash", command="seq 100000", run_in_background=True)
    seen = await tools("jobs", operation="output", id="job1", wait=60_000)
    (file,) = (tmp_path / "out").iterdir()
    assert re.match(rf"\.\.\. \d+ bytes left out; all of it is in {file} \.\.\.\n\n", seen)
    assert seen.endswith("\n100000\n\n(job1: exit code 0 after 0 s)")
    assert len(seen) < 52_000


async def test_jobs_that_are_not_there_or_too_many(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await tools("jobs", operation="list") == "No jobs."
    assert await tools.fails("jobs", operation="output", id="x") == (
        "There is no job 'x'; there is: none was started with run_in_background."
    )
    monkeypatch.setattr(jobs, "MOST", 1)
    await tools("bash", command="sleep 600", run_in_background=True)
    assert await tools.fails("bash", command="true", run_in_background=True) == (
        "1 jobs run already (job1): kill one first."
    )


async def test_jobs_end_with_the_session(tmp_path: Path) -> None:
    async with connected(build(Place(tmp_path, tmp_path), tmp_path / "out"), tmp_path) as tools:
        command = "echo $$ > pid.tmp; mv pid.tmp pid; trap '' TERM; while :; do sleep 0.05; done"
        await tools("bash", command=command, run_in_background=True)
        await until((tmp_path / "pid").exists)
        pid = int((tmp_path / "pid").read_text())
        assert _runs(pid)
    await until(lambda: not _runs(pid))


# -- the user at the terminal -------------------------------------------------


async def test_the_terminal_is_handed_to_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[Any, ...]] = []

    async def hand_over(command: Sequence[str], directory: Path, env: Mapping[str, str]) -> int:
        given.append((command[1:], directory, env.get("A_TOKEN"), env.get("EDITOR")))
        return 3

    monkeypatch.setenv("A_TOKEN", "secret")
    monkeypatch.setenv("EDITOR", "vi")
    async with connected(build(Place(tmp_path, tmp_path), tmp_path / "out", lambda: hand_over), tmp_path) as tools:
        said = await tools("bash", command="npm login", interactive=True)
    assert said == "The user had the terminal; exit code 3. What was shown there is not known."
    assert given == [(["-c", "npm login"], tmp_path, None, "vi")]


async def test_where_nobody_sits_at_a_terminal_that_is_said(tools: Tools) -> None:
    assert await tools.fails("bash", command="npm login", interactive=True) == (
        "Nobody sits at a terminal here: run it without interactive, or ask the user to run it."
    )


async def test_what_ends_just_after_the_shell_is_waited_for(tools: Tools) -> None:
    for _ in range(20):
        assert await tools("bash", command="echo through > >(cat)") == "through"


async def test_commands_run_side_by_side(tools: Tools, tmp_path: Path) -> None:
    # Each waits for the other.
    await asyncio.gather(
        tools("bash", command=f"touch {tmp_path}/a; until test -e {tmp_path}/b; do sleep 0.01; done"),
        tools("bash", command=f"touch {tmp_path}/b; until test -e {tmp_path}/a; do sleep 0.01; done"),
    )


async def test_nothing_survives_when_we_are_killed(tmp_path: Path) -> None:
    program = f"""
        import asyncio
        from pathlib import Path
        from support.calling import connected
        from mimocode_plugins.tools.place import Place
        from mimocode_plugins.tools.shell.server import build

        async def main():
            here = Path({str(tmp_path)!r})
            async with connected(build(Place(here, here), here / "out"), here) as tools:
                await tools("bash", command="(trap '' TERM HUP; sleep 600; sleep 600) & echo $! > a.tmp; mv a.tmp a")
                await tools("bash", command="sh -c 'echo $$ > b.tmp; mv b.tmp b; sleep 600; :'; echo after")

        asyncio.run(main())
    """
    paths = os.pathsep.join(str(ROOT / name) for name in ("kernel", "plugins", "tests"))
    child = _python(textwrap.dedent(program), PYTHONPATH=paths)
    try:
        await until((tmp_path / "b").exists, 30)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    pids = [int((tmp_path / name).read_text()) for name in "ab"]
    await until(lambda: not any(map(_runs, pids)))


async def test_files_do_not_stay_open(tools: Tools) -> None:
    await tools("bash", command="seq 10000")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        await tools("bash", command="seq 10000")
    assert len(os.listdir("/proc/self/fd")) == before


# -- the environment ----------------------------------------------------------


async def test_secrets_stay_with_us_and_nothing_asks(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "MIMOCODE_CONFIG_CONTENT", "MY_DB_PASSWORD"):
        monkeypatch.setenv(name, "hush")
    monkeypatch.setenv("KEYBOARD", "de")
    text = await tools("bash", command="env")
    seen = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    assert "hush" not in text
    assert {name: seen[name] for name in ("KEYBOARD", "AGENT", "MIMOCODE", "MIMOCODE_PID", "GIT_TERMINAL_PROMPT")} == {
        "KEYBOARD": "de",
        "AGENT": "1",
        "MIMOCODE": "1",
        "MIMOCODE_PID": str(os.getpid()),
        "GIT_TERMINAL_PROMPT": "0",
    }


def test_which_names_are_secrets() -> None:
    names = [
        "OPENAI_API_KEY",
        "APIKEY",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "GH_TOKEN",
        "NPM_AUTH_TOKEN",
        "PGPASSWORD",
        "npm_config__auth",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "MIMOCODE_AUTH_CONTENT",
        "SSH_PRIVATE_KEY_FILE",
        "GITHUB_PAT",
        "TOKENS",
        "MYSQL_PWD",
        "DB_PASS",
        "SECRET_KEY_BASE",
    ]
    assert [name for name in names if not is_secret(name)] == []
    names = "PATH HOME KEYBOARD SSH_AUTH_SOCK XAUTHORITY TOKENIZERS_PARALLELISM AUTHOR PATTERN LANG PWD OLDPWD"
    assert [name for name in names.split() if is_secret(name)] == []
    assert environment({"X": "1", "PAGER": "less", "A_KEY": "2"}).keys() >= {"X", "PAGER", "MIMOCODE_PID"}


async def test_the_catalogue_is_what_the_server_lists() -> None:
    committed = Path(str(sys.modules["mimocode_plugins.tools.shell"].__file__)).with_name("catalogue.json")
    assert committed.read_text() == await catalogue(build(Place(Path("/"), Path("/"))))


async def test_all_tools_together_are_short() -> None:
    import json

    family = Path(str(sys.modules["mimocode_plugins.tools"].__file__)).parent
    listed = [tool for file in family.glob("*/catalogue.json") for tool in json.loads(file.read_text())]
    tools = [tool for tool in listed if not tool["meta"]["mimocode"].get("deferred")]
    sent = [{"name": t["name"], "description": t["description"], "parameters": t["input_schema"]} for t in tools]
    assert [t["name"] for t in tools if "title" in json.dumps(t)] == []
    assert len(json.dumps(sent)) / 4 < 2_000
