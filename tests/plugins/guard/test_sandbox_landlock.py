"""The second rung: what it keeps from happening, what only the first does, and what is put back after it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mimocode.events import Say
from mimocode.messages import ToolCall
from mimocode.testing import play
from mimocode_plugins.guard import sandbox
from mimocode_plugins.guard.sandbox import landlock
from mimocode_plugins.guard.sandbox.box import BOX
from mimocode_plugins.guard.sandbox.confine import ARCHITECTURES, program
from mimocode_plugins.guard.sandbox.ladder import Verdict
from mimocode_plugins.guard.sandbox.layout import Access, Layout
from mimocode_plugins.guard.sandbox.mending import mend, watch
from mimocode_plugins.tools import shell
from support.cell import SECRET, Cell, Ears, cell, need
from support.escapes import POWERS, PY, READS, TALKS, WRITES

PUT_BACK = {name for name in WRITES if name.startswith(("git's", "a hook", "the ", "our ", "servers"))}
"""Inside of what is writable, Landlock can take nothing out: these happen, and are undone."""
KEPT_OUT = {name: text for name, text in WRITES.items() if name not in PUT_BACK and name != "by its mode"}
"""All other writes but changes of modes, which Landlock does not know."""


@pytest.fixture
def box() -> Iterator[Cell]:
    with cell() as made:
        yield made


@pytest.mark.parametrize("attempt", KEPT_OUT.values(), ids=KEPT_OUT)
def test_nothing_is_written_outside(box: Cell, attempt: str) -> None:
    before = box.prints()
    done = box.inside(attempt, kind=landlock.NAME)
    assert "ESCAPED" not in done.stdout
    assert box.prints() == before


@pytest.mark.parametrize("name", sorted(PUT_BACK))
def test_what_is_changed_inside_is_put_back(box: Cell, name: str) -> None:
    before = box.prints()
    watched = watch(box.plan(), everything=True)
    assert "ESCAPED" in box.inside(WRITES[name], kind=landlock.NAME).stdout
    assert box.prints() != before
    assert mend(watched) != []
    assert box.prints() == before
    assert mend(watched) == []


@pytest.mark.parametrize("attempt", READS.values(), ids=READS)
def test_no_secret_is_read(box: Cell, attempt: str) -> None:
    done = box.inside(attempt, kind=landlock.NAME)
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr


@pytest.mark.parametrize("name", POWERS)
def test_no_power_over_the_machine(box: Cell, name: str) -> None:
    before = box.prints()
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            box.env["PID"] = str(other.pid)
            done = box.inside(POWERS[name], kind=landlock.NAME)
            assert other.poll() is None
        finally:
            other.kill()
    assert "ESCAPED" not in done.stdout, done
    assert box.prints() == before


@pytest.mark.parametrize("attempt", TALKS.values(), ids=TALKS)
def test_nobody_outside_is_reached(box: Cell, attempt: str) -> None:
    with ExitStack() as stack:
        ears = Ears(box, stack)
        box.inside(attempt, kind=landlock.NAME)
    assert ears.heard == []


WORK = {
    "git": "git checkout -qb work && echo more >> README.md && git commit -qam more && git gc -q",
    "make": "printf 'all: out\\nout: README.md\\n\\tcp $< $@\\n' > Makefile && make -s && cmp out README.md",
    "a virtual environment": """"$PYTHON" -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix)'""",
    "temporary files": 'f=$(mktemp) && echo x > "$f" && test "$(cat "$f")" = x',
    "several processes": f"""{PY} 'import multiprocessing as m
print(m.get_context("spawn").Pool(2).map(abs, [-1, -2]))'""",
    "an event loop": f"""{PY} 'import asyncio
asyncio.run(asyncio.sleep(0))'""",
    "jobs of a shell": "( sleep 0 & wait ) && cat <(echo x)",
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_ordinary_work_goes_on(box: Cell, work: str) -> None:
    done = box.inside(f"set -e\n{work}", kind=landlock.NAME)
    assert done.returncode == 0, done


def test_an_agent_that_only_looks_writes_only_temporary_files(box: Cell) -> None:
    done = box.inside(
        'cat README.md && echo x > "$TMPDIR/x"; echo x >> README.md; touch new', look_only=True, kind=landlock.NAME
    )
    assert done.stdout == "A project."
    assert sorted(path.name for path in box.project.iterdir()) == [".git", ".mcp.json", ".mimocode", "README.md"]
    assert (box.tmp / "x").read_text() == "x\n"


def test_with_the_network_open_sockets_of_this_machine_stay_closed(box: Cell) -> None:
    with ExitStack() as stack:
        ears = Ears(box, stack)
        box.inside(TALKS["IPv4"], network=True, kind=landlock.NAME)
        box.inside(TALKS["a socket outside"], network=True, kind=landlock.NAME)
    assert ears.heard == [b"connection"]


async def test_a_session_on_this_rung(box: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(box.home))
    held = Verdict(landlock.NAME, need(landlock.NAME))
    calls = [ToolCall("1", "bash", {"command": "echo evil >> .git/config; echo x > made; touch ~/made"})]
    config = (box.project / ".git/config").read_text()
    async with play(calls, "Done.", plugins=[sandbox, shell], directory=box.project) as session:
        session.stash[BOX].verdict = held
        await session.submit(Say("Go."))
        await session.settled()
        [answer] = [message.text for message in session.state.messages if message.role == "tool"]
    assert f"(Put back as it was, because no command may change it: {box.project}/.git/config.)" in answer
    assert "Permission denied" in answer and "Commands run in a sandbox" in answer
    assert (box.project / ".git/config").read_text() == config
    assert (box.project / "made").exists()


# The rules as such.


def test_everything_but_the_hidden_may_be_read(tmp_path: Path) -> None:
    for name in ("a/b", "a/c", "d"):
        (tmp_path / name).mkdir(parents=True)
    plan = Layout(tmp_path / "t", (), {tmp_path / "a/b": Access.HIDE, tmp_path / "d": Access.WRITE})
    told = landlock.rights(plan)
    assert [path for path in told["read"] if str(tmp_path) in path] == [f"{tmp_path}/{n}" for n in ("a/c", "d", "t")]
    above = [path for path in told["read"] if str(tmp_path).startswith(path + "/")]
    assert above == [], "nothing that holds a hidden path may be read as a whole"
    assert f"{tmp_path}/d" in told["write"]


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_a_filter_is_well_formed(machine: str) -> None:
    """Every jump lands inside, and every way ends in an answer."""
    for network in (False, True):
        code = program(machine, network)
        assert len(code) < 4096
        for at, (operation, true, false, _) in enumerate(code):
            ways = [0] if operation == 0x20 else [] if operation == 6 else [true, false]
            assert all(at + 1 + way < len(code) for way in ways)
        assert code[-1] == (6, 0, 0, 0x7FFF0000)


def test_without_rules_there_is_no_command(tmp_path: Path) -> None:
    """What cannot be confined ends: nothing runs less confined than asked."""
    words = landlock.command(
        need(landlock.NAME), Layout(tmp_path, (), {}), tmp_path / "none", Path("/"), ["true"], False
    )
    for told in ("{}", "nonsense", '{"read": [], "write": [], "network": false, "environ": {}}'):
        (tmp_path / "broken").write_text(told)
        touch = [*words[:4], str(tmp_path / "broken"), "/usr/bin/touch", str(tmp_path / "made")]
        done = subprocess.run(touch, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert not (tmp_path / "made").exists()


# What a command makes that no mount can cover.


def test_a_repository_is_not_led_elsewhere(box: Cell) -> None:
    """With a file `commondir` in it git would take settings, and so programs to run, from anywhere."""
    watched = watch(box.plan(), everything=False)
    box.inside("mkdir evil && echo ../evil > .git/commondir && echo x > .git/config.worktree")
    assert sorted(path.name for path in mend(watched)) == ["commondir", "config.worktree"]
    assert not (box.project / ".git/commondir").exists()


def test_nothing_is_put_back_through_a_link(box: Cell) -> None:
    watched = watch(box.plan(), everything=True)
    (box.project / ".git").rename(box.project / "g")
    (box.beside / "hooks").mkdir()
    (box.project / ".git").symlink_to(box.beside)
    before = {path.name for path in box.beside.iterdir()}
    assert box.project / ".git/config" in mend(watched)
    assert {path.name for path in box.beside.iterdir()} == before
    assert (box.project / ".git/config").read_text() == (box.project / "g/config").read_text()
