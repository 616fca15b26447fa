"""Ways out of the sandbox that lead through us: our terminal, our PATH, our environment."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mimocode.events import Say
from mimocode.messages import ToolCall
from mimocode.testing import play
from mimocode_plugins.guard import permission, sandbox
from mimocode_plugins.guard.sandbox.box import BOX, wrapped
from mimocode_plugins.guard.sandbox.commands import slash
from mimocode_plugins.guard.sandbox.programs import without
from mimocode_plugins.store import workspace
from mimocode_plugins.tools import shell
from mimocode_plugins.tools.lsp import known
from mimocode_plugins.tools.lsp.settings import Formatter, Server
from support.canary import ON, SANDBOX_ONLY, SECRET, Victim, call, listening
from support.cli import Cli
from support.lsp import fleet, warm, work, write
from support.tty import terminal

TYPES = """
import fcntl, os, sys
def put(number):
    for letter in "echo typed\\n":
        fcntl.ioctl(os.open("/dev/tty", os.O_RDWR), number, letter.encode())
    return "typed"
for number in (0x5412, 0x5412 | 1 << 32):
    try:
        print(put(number))
    except OSError as error:
        print("refused", error.errno)
    except (OverflowError, ValueError):
        print("refused 1")
"""
"""Types into its own terminal, which whoever reads it next takes for the user's words (TIOCSTI)."""
PLANTS = """
import os, sys
for name in "git rg env bash sh ruff basedpyright-langserver pylsp".split():
    path = f".venv/bin/{name}"
    open(path, "w").write(f"#!/bin/sh\\necho {name} $* >>{sys.argv[1]}\\nexit 1\\n")
    os.chmod(path, 0o755)
"""
"""Puts programs where an activated virtual environment has them."""
AT_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def at_a_terminal(*argv: str, cwd: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", AT_A_TERMINAL, *argv],
        cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.split("\n")


@SANDBOX_ONLY
def test_a_command_in_the_users_terminal_cannot_type_into_it(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    (cli.project / "typist.py").write_text(TYPES)
    with terminal(cli, "sandbox", "python3 typist.py; test -t 0 && echo a terminal", columns=80, rows=10) as tty:
        tty.wait("a terminal")
        assert tty.end() == 0
    assert [line for line in tty.lines if line] == ["refused 1", "refused 1", "a terminal"]


@SANDBOX_ONLY
async def test_nor_can_one_that_the_agent_hands_to_the_user(project: Path) -> None:
    (project / "typist.py").write_text(TYPES)
    seen: list[list[str]] = []

    async def hand_over(command: list[str], directory: Path, env: dict[str, str]) -> int:
        seen.append(at_a_terminal(*command, cwd=directory))
        return 0

    asked = ToolCall("1", "bash", {"command": "python3 typist.py", "interactive": True})
    plugins = [workspace, permission, sandbox, shell]
    async with play([asked], "Done.", plugins=plugins, directory=project) as session:
        session.host.options["hand_over"] = hand_over
        await session.submit(Say("go"))
        await session.settled()
    assert [line for line in seen[0] if line] == ["refused 1", "refused 1"]


@SANDBOX_ONLY
def test_keys_stay_outside_of_a_command_that_the_user_runs_inside(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    done = cli("sandbox", "env", OPENAI_API_KEY=SECRET, GITHUB_TOKEN=SECRET, MY_PASSWORD=SECRET, PLAIN="here")
    assert "PLAIN=here" in done.out
    assert SECRET not in done.out


@SANDBOX_ONLY
def test_programs_of_the_project_are_run_by_commands_and_never_by_us(tmp_path: Path) -> None:
    with listening() as sink:
        victim = Victim(tmp_path, sink, ON)
        programs = victim.project / ".venv/bin"
        programs.mkdir(parents=True)
        (victim.project / "plants.py").write_text(PLANTS)
        (victim.project / ".gitignore").write_text(".venv\n")
        victim.git("init", "-q")
        victim.cli.env["PATH"] = f"{programs}:node_modules/.bin::{victim.cli.env['PATH']}"
        victim.before = victim.prints()
        victim.obey(
            f"python3 plants.py {victim.proof}",
            "command -v git > found",
            call("grep", pattern="hello"),
            call("glob", pattern="*.py"),
            call("edit", file_path="src/app.py", old_string="hello", new_string="bye"),
            "true",
            words=["--trust"],
        )
        assert (victim.project / "found").read_text() == f"{programs}/git\n", "commands have the user's PATH"
        victim.unharmed()


SPY = """
import os, pathlib, subprocess, sys
try:
    pathlib.Path(sys.argv[1]).write_text("outside")
except OSError:
    pass
os.execv("{ruff}", ["{ruff}", *sys.argv[2:]])
"""
"""A linter that was replaced: it does its work, and writes where only we may."""


@SANDBOX_ONLY
@pytest.mark.skipif(not shutil.which("ruff"), reason="ruff is not installed")
async def test_linters_and_formatters_of_the_project_work_inside(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, proof = project / ".venv/bin", project.parent / "proof"
    programs.mkdir(parents=True)
    (programs / "spy.py").write_text(SPY.format(ruff=shutil.which("ruff")))
    (programs / "ruff").write_text(f'#!/bin/sh\nexec {sys.executable} {programs}/spy.py {proof} "$@"\n')
    (programs / "ruff").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (project / "pyproject.toml").write_text("[tool.ruff]\n")
    only = {each.id: Server(disabled=each.id != "ruff") for each in known.KNOWN}
    calls = [write("a.py", "x = 1\n"), write("a.py", "import os\n\nx   =   1\n", 2)]
    async with work(project, *calls, servers=only, formatter={"ruff": Formatter()}, more=[sandbox]) as (session, step):
        await step()
        await warm(session)
        (station,) = fleet(session).stations.values()
        station._patience = 60
        told = await step()
    assert "`os` imported but unused" in told and "ruff has reformatted a.py" in told
    assert (project / "a.py").read_text() == "import os\n\nx = 1\n"
    assert not proof.exists()


@SANDBOX_ONLY
async def test_path_is_as_it_was_once_nothing_holds_commands(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = f"{project}/bin{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", theirs)
    async with play(plugins=[workspace, permission, sandbox], directory=project) as session:
        assert f"{project}/bin" not in os.environ["PATH"].split(os.pathsep)
        assert session.host.options["path"] == theirs
        inside = await wrapped(["sh", "-c", 'printf "%s" "$PATH"'], project, session)
        assert inside
        done = await asyncio.to_thread(subprocess.run, inside, capture_output=True, text=True, check=True)
        assert done.stdout == theirs
        await slash("off", session)
        assert os.environ["PATH"] == theirs
        await slash("on", session)
        assert os.environ["PATH"] != theirs
        assert session.stash[BOX].path == theirs
    assert os.environ["PATH"] == theirs


def test_what_is_left_of_a_path(tmp_path: Path) -> None:
    (tmp_path / "project/bin").mkdir(parents=True)
    (tmp_path / "link").symlink_to("project/bin")
    (tmp_path / "project/away").symlink_to("/usr/bin")
    words = ["/usr/bin", "", ".", "bin", f"{tmp_path}/project/bin", f"{tmp_path}/link", f"{tmp_path}/project/away"]
    kept = without(os.pathsep.join([*words, f"{tmp_path}/project-2", "/bin"]), [tmp_path / "project"])
    assert kept.split(os.pathsep) == ["/usr/bin", f"{tmp_path}/project-2", "/bin"]


@SANDBOX_ONLY
@pytest.mark.skipif(os.geteuid() != 0, reason="only root owns the settings of the kernel")
def test_root_inside_does_not_set_what_the_kernel_runs(tmp_path: Path) -> None:
    """Only asked, never tried: `core_pattern` is the whole machine's."""
    numbers = "\\( -path '/proc/[0-9]*' -o -path /proc/self -o -path /proc/thread-self \\) -prune"
    done = Cli(tmp_path)("sandbox", f"find /proc /sys -maxdepth 4 {numbers} -o -type f -writable -print 2>&-; echo end")
    assert done.out == "end\n"
    assert os.access("/proc/sys/kernel/core_pattern", os.W_OK), "outside it can be: otherwise this proves nothing"
