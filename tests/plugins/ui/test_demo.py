"""`mimo demo` on a machine where nothing is set up."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import Cli


def places(cli: Cli, tmp_path: Path) -> dict[str, str]:
    """An environment whose temporary folder is ours to look into."""
    (tmp_path / "tmp").mkdir()
    return {"TMPDIR": str(tmp_path / "tmp")}


def test_it_fixes_the_bug_and_says_what_it_was(cli: Cli, tmp_path: Path) -> None:
    env = places(cli, tmp_path)
    done = cli("demo", "--fast", "--keep", **env)
    assert done.code == 0, done.err
    shown = [line for line in done.err.splitlines() if line]
    assert shown[0] == "This is a demo: the model is scripted and no network is used."
    assert "AssertionError: 1800 != 5400" in done.err and "  +        total += int(number) * UNITS[unit]" in shown
    assert "✓ Checked" in done.err and "ANTHROPIC_API_KEY" in done.err and "baseURL" in done.err
    assert done.out.startswith("Fixed.")
    [project] = (tmp_path / "tmp").glob("mimo-demo-*/tally")
    assert str(project) in shown[-1]
    diff = subprocess.run(["git", "diff", "-U0"], cwd=project, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^[+-](?![+-]).*$", diff, re.M) == [
        "-        total = int(number) * UNITS[unit]",
        "+        total += int(number) * UNITS[unit]",
    ]
    assert list(cli.home.iterdir()) == []


def test_it_leaves_nothing_behind_and_needs_no_git(cli: Cli, tmp_path: Path) -> None:
    env = places(cli, tmp_path)
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("sh", "bash", "env", "cat"):
        if found := shutil.which(name):
            (bare / name).symlink_to(found)
    done = cli("demo", "--fast", PATH=str(bare), HOME=str(tmp_path / "nobody"), **env)
    assert done.code == 0, done.err
    assert "no git here" in done.err and "is removed" in done.err
    assert list((tmp_path / "tmp").iterdir()) == []


def test_settings_of_the_user_do_not_get_in_its_way(cli: Cli, tmp_path: Path) -> None:
    cli.settings(model="none/such", permission="deny")
    cli.plugin("loud", "1 / 0")
    assert cli("demo", "--fast", **places(cli, tmp_path)).code == 0


@pytest.mark.slow
def test_on_a_terminal_it_types_and_can_be_interrupted(cli: Cli, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mimocode.main", "demo"]
    env = cli.env | places(cli, tmp_path)
    process = subprocess.Popen(command, cwd=cli.project, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    while b"AssertionError" not in seen:
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    try:
        while piece := os.read(ours, 4096):
            seen += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(10) == 130
    assert b'Traceback (most recent call last):\r\n  File "/' not in seen.split(b"AssertionError", 1)[1]
    assert list((tmp_path / "tmp").iterdir()) == []
