"""The sandbox: what is planned, what cannot be escaped from, what goes on working, and what is said of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

import pytest

from mimocode import ports
from mimocode.events import Say
from mimocode.messages import ToolCall
from mimocode.testing import play
from mimocode_plugins.guard import permission, sandbox
from mimocode_plugins.guard.confinement import CONFINED, Confined, confined
from mimocode_plugins.guard.permission.ruling import rule
from mimocode_plugins.guard.sandbox import bubblewrap
from mimocode_plugins.guard.sandbox.box import BOX, wrapped
from mimocode_plugins.guard.sandbox.ladder import Rung, Verdict, climb, verdict
from mimocode_plugins.guard.sandbox.layout import Access, Grounds, layout
from mimocode_plugins.guard.sandbox.repositories import stores
from mimocode_plugins.store import workspace
from mimocode_plugins.tools import shell
from support.cell import SECRET, Cell, Ears, cell, need
from support.cli import Cli
from support.escapes import POWERS, PY, READS, TALKS, WRITES


@pytest.fixture
def box() -> Iterator[Cell]:
    with cell() as made:
        yield made


# Escapes.


@pytest.mark.parametrize("attempt", WRITES.values(), ids=WRITES)
def test_nothing_is_written_outside(box: Cell, attempt: str) -> None:
    before = box.prints()
    done = box.inside(attempt)
    assert "ESCAPED" not in done.stdout
    assert done.stderr
    assert box.prints() == before
    assert "ESCAPED" in box.outside(attempt).stdout, "without a sandbox this must succeed, or it proves nothing"
    assert box.prints() != before


@pytest.mark.parametrize("attempt", READS.values(), ids=READS)
def test_no_secret_is_read(box: Cell, attempt: str) -> None:
    before = box.prints()
    done = box.inside(attempt)
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr
    assert box.prints() == before
    with cell() as fresh:
        assert SECRET in fresh.outside(attempt).stdout, "without a sandbox it is read, or this proves nothing"


@pytest.mark.parametrize("attempt", POWERS.values(), ids=POWERS)
def test_no_power_over_the_machine(box: Cell, attempt: str) -> None:
    before = box.prints()
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            box.env["PID"] = str(other.pid)
            done = box.inside(attempt)
            assert other.poll() is None
        finally:
            other.kill()
    assert "ESCAPED" not in done.stdout
    assert box.prints() == before


@pytest.mark.parametrize("attempt", TALKS.values(), ids=TALKS)
def test_nobody_outside_is_reached(box: Cell, attempt: str) -> None:
    with ExitStack() as stack:
        ears = Ears(box, stack)
        done = box.inside(attempt)
        assert ears.heard == [], done
        box.outside(attempt)
    assert len(ears.heard) == 1, "it is heard once: from outside"


def test_what_is_started_inside_ends_with_the_group(box: Cell) -> None:
    """Also what made a session of its own, which a signal to the group would not reach."""
    text = "setsid sleep 61.5 & sleep 61.5"
    plan = box.plan()
    argv = bubblewrap.command(need(bubblewrap.NAME), plan, box.none, box.project, ["bash", "-c", text], network=False)
    with subprocess.Popen(argv, start_new_session=True, cwd=box.project, env=box.env) as started:
        try:
            _until(lambda: _sleepers() == 2)
        finally:
            os.killpg(started.pid, signal.SIGKILL)
    _until(lambda: _sleepers() == 0)


def _sleepers() -> int:
    found = 0
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += each.read_bytes() == b"sleep\x0061.5\0"
        except OSError:
            continue
    return found


def _until(true: object) -> None:
    end = time.monotonic() + 20
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


# Ordinary work.

WORK = {
    "git": """git checkout -qb work && echo more >> README.md && git commit -qam more && git stash list && git gc -q
        git tag one && git log --oneline | wc -l | grep -q 2 && git merge-base HEAD HEAD~1""",
    "a clone": "git clone -q . copy && cd copy && git config user.name Other && echo x > y && git add y && git commit -qm y",
    "a virtual environment": """"$PYTHON" -m venv --without-pip v && v/bin/python -c 'import sys; print(sys.prefix)'""",
    "make": "printf 'all: out\\nout: README.md\\n\\tcp $< $@\\n' > Makefile && make -s && cmp out README.md",
    "pytest": """mkdir t && printf 'import os, tempfile\\ndef test_x(tmp_path):\\n    (tmp_path / "f").write_text("x")
    assert tempfile.gettempdir().startswith(os.environ["TMPDIR"])\\n' > t/test_x.py && "$PYTHON" -m pytest -q t""",
    "a server on loopback": f"""{PY} 'import http.server, threading, urllib.request
s = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=s.serve_forever, daemon=True).start()
print(urllib.request.urlopen("http://127.0.0.1:%d/README.md" % s.server_port).read())'""",
    "several processes": f"""{PY} 'import multiprocessing as m
print(m.get_context("spawn").Pool(2).map(abs, [-1, -2]))'""",
    "temporary files": 'echo x > /tmp/x && mktemp && test "$(cat "$TMPDIR/x")" = x',
    "a pipe and a heredoc": "cat <<END | sort > sorted\nb\na\nEND\ngrep -q a sorted && exec 3<> README.md && echo ok >&3",
    "a socket of one's own": f"""{PY} 'import socket
a = socket.socket(socket.AF_UNIX); a.bind("own"); a.listen(); b = socket.socket(socket.AF_UNIX); b.connect("own")'""",
    "a file that is protected is read": "cat .git/config .mimocode/mimocode.json .mcp.json && ls .git/hooks",
}  # fmt: skip


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_ordinary_work_goes_on(box: Cell, work: str) -> None:
    done = box.inside(f"set -e\n{work}")
    assert done.returncode == 0, done


def test_pip_installs_offline_in_a_virtual_environment(box: Cell) -> None:
    with zipfile.ZipFile(box.project / "x-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("x.py", "print('installed')")
        wheel.writestr("x-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1\n")
        wheel.writestr("x-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("x-1.dist-info/RECORD", "")
    install = '"$PYTHON" -m pip -q --python v install --no-index --disable-pip-version-check *.whl'
    done = box.inside(f'set -e\n"$PYTHON" -m venv --without-pip v\n{install}\ncd v\nbin/python -m x')
    assert done.stdout.strip() == "installed", done


def test_npm_installs_and_tests(box: Cell) -> None:
    if not any(Path(folder, "npm").exists() for folder in os.environ["PATH"].split(os.pathsep)):
        pytest.skip("there is no npm here")
    (box.project / "dep").mkdir()
    (box.project / "dep/package.json").write_text('{"name": "dep", "version": "1.0.0", "main": "i.js"}')
    (box.project / "dep/i.js").write_text("console.log('from dep')")
    (box.project / "package.json").write_text(
        '{"name": "p", "dependencies": {"dep": "file:./dep"}, "scripts": {"test": "node -e \\"require(\'dep\')\\""}}'
    )
    done = box.inside("npm install --offline --no-audit --no-fund --silent && npm test --silent")
    assert done.stdout.strip() == "from dep", done


def test_a_linked_work_tree_may_commit(box: Cell) -> None:
    """Its repository lies outside, and its settings and hooks are as closed there."""
    box.git("worktree", "add", "-q", str(box.beside / "tree"))
    plan = layout(Grounds(box.home, (box.beside / "tree",), box.tmp, programs=(Path(sys.prefix), box.beside)))
    git = box.project / ".git"
    assert {path: access for path, access in plan.access.items() if git in (path, *path.parents)} == {
        git: Access.WRITE,
        git / "config": Access.READ,
        git / "hooks": Access.READ,
        git / "worktrees/tree": Access.WRITE,
        git / "worktrees/tree/commondir": Access.READ,
        git / "worktrees/tree/gitdir": Access.READ,
    }


async def test_compilers_and_package_managers_keep_things_apart_from_the_users(
    box: Cell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a place to write some do nothing at all; what they keep there stays for this project and no other."""
    need(bubblewrap.NAME)
    cache = tmp_path / "mimo/cache/sandbox"
    for name, days in {"left": 40, "in use": 10}.items():
        (cache / name / "npm").mkdir(parents=True)
        (cache / name / "npm").chmod(0o500)
        os.utime(cache / name, (time.time() - days * 86_400,) * 2)
    monkeypatch.setenv("HOME", str(box.home))
    monkeypatch.setenv("CCACHE_DIR", str(box.project / ".ccache"))
    monkeypatch.setenv("GOCACHE", str(box.beside))
    keeps = 'mkdir -p "$UV_CACHE_DIR"; date > "$UV_CACHE_DIR/kept" && echo "$CCACHE_DIR $GOCACHE $npm_config_cache"'
    strays = 'cat "$UV_CACHE_DIR/kept" && touch "$UV_CACHE_DIR/../../in use/npm/x"'

    async def said(directory: Path, *commands: str) -> list[str]:
        steps = [[ToolCall(f"{n}", "bash", {"command": each})] for n, each in enumerate(commands)]
        async with play(*steps, "Done.", plugins=[workspace, sandbox, shell], directory=directory) as session:
            await session.submit(Say("Go."))
            await session.settled()
            return [message.text for message in session.state.messages if message.role == "tool"]

    [first] = await said(box.project, keeps)
    own = next(path for path in cache.iterdir() if path.name.startswith("project-"))
    assert first.split() == [str(box.project / ".ccache"), str(own / "go")]
    [second] = await said(box.project, strays)
    assert second.splitlines()[0] == (own / "uv/kept").read_text().strip()
    assert "cannot touch" in second
    [third] = await said(box.beside, strays)
    assert "No such file" in third
    _until(lambda: {path.name.partition("-")[0] for path in cache.iterdir()} == {"in use", "project", "beside"})


def test_with_a_network_they_also_keep_what_they_fetch(tmp_path: Path) -> None:
    need(bubblewrap.NAME)
    cli = Cli(tmp_path)
    for network, names in ((False, []), (["pypi.org"], ["CARGO_HOME", "npm_config_cache"])):
        cli.settings(sandbox={"network": network})
        lines = cli("sandbox", "env").out.splitlines()
        found = [line.partition("=") for line in lines if line.startswith(("CARGO_HOME=", "npm_config_cache="))]
        assert sorted(name for name, _, _ in found) == names
        assert all(value.startswith(str(cli.home / ".cache/mimocode/sandbox/project-")) for _, _, value in found)


def test_an_agent_that_only_looks_writes_only_temporary_files(box: Cell) -> None:
    done = box.inside("cat README.md && echo x > /tmp/x; echo x >> README.md; touch new; rm -rf .git", look_only=True)
    assert done.stdout == "A project."
    assert sorted(path.name for path in box.project.iterdir()) == [".git", ".mcp.json", ".mimocode", "README.md"]
    assert (box.project / "README.md").read_text() == "A project."
    assert (box.tmp / "x").read_text() == "x\n"


# The plan.


def test_the_plan_of_a_disk(tmp_path: Path) -> None:
    home, project, temp = tmp_path / "home", tmp_path / "home/code/project", tmp_path / "private"
    for path in (
        project / "sub/.git/hooks",
        home / ".ssh",
        home / ".config/mimocode",
        home / ".mine/tool-output",
        temp,
    ):
        path.mkdir(parents=True)
    for path in (project / "sub/.git/HEAD", project / "sub/.git/config", home / ".config/mimocode/mimocode.json",
                 home / ".netrc", project / ".envrc", home / "wanted", home / "not"):  # fmt: skip
        path.touch()
    grounds = Grounds(
        home, (project,), temp, temps=(), data=home / ".mine", config=home / ".config/mimocode",
        writable=(home / "wanted",), hidden=(home / "not",),
    )  # fmt: skip
    assert layout(grounds).outermost_first == [
        (home / ".mine", Access.HIDE),
        (home / ".netrc", Access.HIDE),
        (home / ".ssh", Access.HIDE),
        (home / "not", Access.HIDE),
        (home / "wanted", Access.WRITE),
        (home / ".mine/tool-output", Access.READ),
        (project, Access.WRITE),
        (home / ".config/mimocode/mimocode.json", Access.HIDE),
        (project / ".envrc", Access.READ),
        (project / "sub/.git", Access.WRITE),
        (project / "sub/.git/config", Access.READ),
        (project / "sub/.git/hooks", Access.READ),
    ]


def test_the_home_is_no_project(tmp_path: Path) -> None:
    """There, start-up files of shells that do not exist yet could be made: only what lies openly in it is writable."""
    for name in ("code", "bin", ".ssh", ".local"):
        (tmp_path / name).mkdir()
    (tmp_path / "away").symlink_to("/etc")
    (tmp_path / ".bashrc").touch()
    assert layout(Grounds(tmp_path, (tmp_path,), tmp_path / "code", temps=())).outermost_first == [
        (tmp_path / ".ssh", Access.HIDE),
        (tmp_path / "code", Access.WRITE),
    ]
    (tmp_path / "code/.git").mkdir()
    assert layout(Grounds(tmp_path, (tmp_path.parent,), tmp_path, temps=())).access[tmp_path / "code"] is Access.WRITE


def test_a_pointer_to_a_repository_is_believed_only_if_it_points_back(tmp_path: Path) -> None:
    own = tmp_path / "main/.git/worktrees/x"
    for path in (own, tmp_path / "main/.git/objects", tmp_path / "tree"):
        path.mkdir(parents=True)
    (tmp_path / "main/.git/HEAD").touch()
    (tmp_path / "tree/.git").write_text(f"gitdir: {own}\n")
    assert list(stores(tmp_path / "tree")) == []
    (own / "commondir").write_text("../..\n")
    (own / "gitdir").write_text("/elsewhere/.git\n")
    assert list(stores(tmp_path / "tree")) == []
    (own / "gitdir").write_text(f"{tmp_path}/tree/.git\n")
    assert list(stores(tmp_path / "tree")) == [tmp_path / "main/.git", own]


# The ladder.


def _rung(name: str, words: str, lacks: str = "") -> Rung:
    """A rung whose trial is a shell command with $1, the directory to write, and $2, the one to keep away from."""

    def trial(program: str, inside: Path, outside: Path) -> list[str]:
        return ["/bin/sh", "-c", words, "sh", str(inside), str(outside)]

    return Rung(name, lambda: ("/bin/sh", lacks), trial)


def test_a_rung_that_does_not_hold_is_not_taken_at_its_word() -> None:
    rungs = [
        _rung("absent", "exit 0", lacks="it is not installed"),
        _rung("broken", "echo first >&2; echo no permission to make namespaces >&2; exit 1"),
        _rung("open", 'echo written > "$1/inside"; echo written > "$2/outside"'),
        _rung("honest", "exit 13"),
        _rung("lazy", "exit 0"),
        _rung("good", 'echo written > "$1/inside"'),
        _rung("better", "exit 0"),
    ]
    assert climb(rungs=rungs) == Verdict(
        "good",
        "/bin/sh",
        (
            "absent: it is not installed",
            "broken: no permission to make namespaces",
            "open: it ended with exit code 0",
            "honest: it does not hide what has to be hidden",
            "lazy: it ended with exit code 0",
        ),
    )
    assert climb("broken", rungs) == Verdict("", "", ("broken: no permission to make namespaces",))
    assert climb("unheard of", rungs).why[0].startswith("unheard of: not known on ")


def test_a_verdict_is_kept_until_the_machine_changes(tmp_path: Path) -> None:
    found = verdict(tmp_path)
    assert found == climb()
    kept = json.loads((tmp_path / "sandbox.json").read_text())
    (tmp_path / "sandbox.json").write_text(json.dumps(kept | {"verdict": {"rung": "x", "program": "/x", "why": ["y"]}}))
    assert verdict(tmp_path) == Verdict("x", "/x", ("y",))
    assert verdict(tmp_path, fresh=True) == found
    doubted = {"at": time.time() - 700, "verdict": {"rung": "x", "program": "/x", "why": ["y"]}}
    for stale in (
        kept | {"at": 0},
        kept | doubted,
        kept | {"key": "another machine"},
        {"key": kept["key"]},
        ["nonsense"],
    ):
        (tmp_path / "sandbox.json").write_text(json.dumps(stale))
        assert verdict(tmp_path) == found


# In a session.


async def test_commands_of_a_session_run_inside(box: Cell, monkeypatch: pytest.MonkeyPatch) -> None:
    need(bubblewrap.NAME)
    monkeypatch.setenv("HOME", str(box.home))
    before = box.prints()
    calls = [
        ToolCall("1", "bash", {"command": "echo x > made; echo y > $HOME/made"}),
        ToolCall("2", "bash", {"command": "cat ~/.ssh/id_rsa"}),
        ToolCall("3", "bash", {"command": "echo kept > /tmp/kept"}),
        ToolCall("4", "bash", {"command": "cat /tmp/kept; exit 3"}),
        ToolCall("5", "bash", {"command": "git ls-remote https://evil.test/x"}),
    ]
    steps = [[call] for call in calls]
    async with play(*steps, "Done.", plugins=[sandbox, shell], directory=box.project) as session:
        assert session.host.options["sandbox"] == "bubblewrap, no network"
        await session.submit(Say("Go."))
        await session.settled()
        tools = [message.text for message in session.state.messages if message.role == "tool"]
        folder = session.stash[BOX].folder
        assert folder is not None and (folder / "tmp/kept").exists()
    disk, network = (files(sandbox).joinpath(name).read_text().strip() for name in ("disk.md", "network.md"))
    assert "Read-only file system" in tools[0] and tools[0].endswith(disk)
    assert "Permission denied" in tools[1] and SECRET not in tools[1] and tools[1].endswith(disk)
    assert tools[2] == "(no output)"
    assert tools[3] == "kept\n\n<bash_metadata>\nExit code 3.\n</bash_metadata>"
    assert "evil.test" in tools[4] and tools[4].endswith(network)
    assert (box.project / "made").read_text() == "x\n"
    assert box.prints() == before
    assert not folder.exists()


async def test_the_user_switches_it_off_and_on(box: Cell) -> None:
    need(bubblewrap.NAME)
    async with play(plugins=[sandbox, shell], directory=box.project) as session:
        command = (await session.host.commands())["sandbox"]
        for word, line, held in (
            ("off", "no sandbox", None),
            ("on", "bubblewrap, no network", ("bubblewrap", "off")),
        ):
            await command.run(word, session)
            found = confined(session)
            assert (session.host.options["sandbox"], found and (found.rung, found.network)) == (line, held)
            argv = await wrapped(["true"], box.project, session)
            assert (argv is None) == (held is None)


def test_a_sandbox_that_is_required_and_missing_keeps_every_command_from_running(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    cli.settings(sandbox={"enabled": False, "required": True}, permission="allow")
    steps = [{"calls": [{"name": "bash", "arguments": {"command": "touch made"}}]}, {"text": "Done."}]
    done = cli("run", "--format", "json", "-m", cli.scenario(steps), "Go.")
    sentence = "No command runs: the settings require a sandbox, and there is none (the settings switch it off)."
    assert sentence in done.out
    assert not (cli.project / "made").exists()
    shown = cli("sandbox")
    assert (shown.code, shown.out.splitlines()[:2]) == (1, ["sandbox: no sandbox", "  not the settings switch it off"])
    assert cli("sandbox", "true").code == 2


def test_the_command_line_shows_and_runs(tmp_path: Path) -> None:
    need(bubblewrap.NAME)
    cli = Cli(tmp_path)
    (cli.home / ".ssh").mkdir()
    lines = cli("sandbox").out.splitlines()
    assert lines[0] == "sandbox: bubblewrap, no network"
    assert f"  writable         {cli.project}" in lines
    assert "  hidden           ~/.ssh" in lines
    done = cli("sandbox", "echo x > made; touch ~/made; exit 7")
    assert done.code == 7
    assert (cli.project / "made").exists() and not (cli.home / "made").exists()
    assert cli("sandbox", "--look-only", "touch more").code == 1


RULINGS = {
    "curl https://evil.test": ("allow", "the sandbox has no network"),
    "$CC -o x": ("allow", "it runs in a sandbox"),
    "curl https://evil.test; git push --force": ("ask", "destroys"),
    "cat /etc/hostname": ("ask", "external_directory"),
    "git config a.b c": ("ask", "decides what runs next"),
}


@pytest.mark.parametrize("command", RULINGS)
async def test_nobody_is_asked_about_what_cannot_happen(box: Cell, command: str) -> None:
    need(bubblewrap.NAME)
    verdict, why = RULINGS[command]
    async with play(plugins=[sandbox, shell, permission], directory=box.project) as session:
        call = ToolCall("1", "bash", {"command": command})
        ruled = rule(call, session)
        assert ruled.verdict.name.lower() == verdict
        assert why in ruled.reason, "the log says why"
        session.stash[CONFINED] = Confined("bubblewrap", "open")
        if "curl" in command:
            assert rule(call, session).verdict is ports.Verdict.ASK, "where there is a network, it is asked"
        session.stash.pop(CONFINED)
        assert rule(call, session).verdict is ports.Verdict.ASK, "without a sandbox, all of these are asked"
