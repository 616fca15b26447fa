"""The program is brought up to date and removed the way it came, and completes its commands in real shells."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mimocode import __version__
from mimocode.errors import UsageError
from mimocode.host import Host
from mimocode_plugins.ui.upkeep import installing, removing
from support.cli import Cli
from support.tty import terminal


@pytest.mark.parametrize(
    ("prefix", "environ", "expected"),
    [
        ("/home/ada/.local/share/uv/tools/mimocode", {}, "uv"),
        ("/opt/tools/mimocode", {"UV_TOOL_DIR": "/opt/tools"}, "uv"),
        ("/home/ada/.local/share/pipx/venvs/mimocode", {}, "pipx"),
        ("/opt/pipx-home/venvs/mimocode", {"PIPX_HOME": "/opt/pipx-home"}, "pipx"),
        ("/home/ada/project/.venv", {}, "pip"),
        ("/usr", {}, "pip"),
    ],
)
def test_who_installed_it(prefix: str, environ: dict[str, str], expected: str) -> None:
    assert installing.method(Path(prefix), environ) == expected


@pytest.mark.parametrize(
    ("how", "target", "words"),
    [
        ("uv", "", "uv tool upgrade mimocode"),
        ("uv", "1.2", "uv tool install --force mimocode==1.2"),
        ("pipx", "", "pipx upgrade mimocode"),
        ("pipx", "1.2", "pipx install --force mimocode==1.2"),
        ("pip", "", f"{sys.executable} -m pip install --upgrade mimocode"),
        ("pip", "1.2", f"{sys.executable} -m pip install --upgrade mimocode==1.2"),
    ],
)
def test_what_brings_another_version(how: str, target: str, words: str) -> None:
    assert " ".join(installing.upgrade_command(how, target)) == words


def test_upgrading_as_a_user_does_it(cli: Cli) -> None:
    assert cli("upgrade", "--dry-run", "-m", "uv", "v9.9").out == "uv tool install --force mimocode==9.9\n"
    same = cli("upgrade", f"v{__version__}")
    assert (same.code, same.err) == (0, f"{__version__} is installed already\n")
    for words in (["-m", "uv"], ["--dry-run"]):
        copy = cli("upgrade", *words)
        assert (copy.code, copy.out) == (2, "")
        assert "this is a working copy in " in copy.err


async def test_the_installer_is_run_and_its_code_counts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "uv"
    program.write_text("#!/bin/sh\necho ran $*\nexit 7\n")
    program.chmod(0o755)
    host = Host([], directory=tmp_path, external=False, environ={"PATH": f"{tmp_path}:/bin:/usr/bin"})
    words = [str(program), "tool", "upgrade", "mimocode"]
    assert await installing.run(words, host, dry=False) == 7
    assert "ran tool upgrade mimocode" in capfd.readouterr().out
    with pytest.raises(UsageError, match="nowhere is not there"):
        await installing.run(["nowhere"], host, dry=False)


def lay(cli: Cli) -> dict[str, Path]:
    """Something in each of our directories, and something of others beside them."""
    names = {"data": ".local/share", "config": ".config", "cache": ".cache", "state": ".local/state"}
    made = {name: cli.home / path / "mimocode" for name, path in names.items()}
    for path in made.values():
        path.mkdir(parents=True)
        (path / "file").write_text("x" * 1000)
        (path.parent / "other").mkdir()
    return made


@pytest.mark.parametrize(
    ("flags", "kept"),
    [([], ""), (["-c"], "config"), (["-d"], "data"), (["--keep-config", "--keep-data"], "config data")],
)
def test_what_is_not_kept_is_removed(cli: Cli, flags: list[str], kept: str) -> None:
    places = lay(cli)
    seen = cli("uninstall", "--dry-run", *flags)
    assert seen.code == 0
    assert all(path.is_dir() for path in places.values())
    shown = {name for name, path in places.items() if str(path) in seen.out}
    assert shown == places.keys() - set(kept.split())
    refused = cli("uninstall", *flags)
    assert (refused.code, "accept with --force" in refused.err) == (2, True)
    done = cli("uninstall", "--force", *flags)
    assert (done.code, done.out) == (0, seen.out)
    assert {name for name, path in places.items() if path.exists()} == set(kept.split())
    assert all((path.parent / "other").is_dir() for path in places.values())


def test_a_person_is_asked(cli: Cli) -> None:
    places = lay(cli)
    with terminal(cli, "uninstall", columns=120) as tty:
        tty.wait(r"\[y/N\]")
        tty.send("\r")
        assert tty.end() == 1
    assert all(path.is_dir() for path in places.values())


def test_what_could_be_someone_elses_is_left(cli: Cli) -> None:
    places = lay(cli)
    (places["data"] / "mimocode-log.db").write_text("ours, beside theirs")
    refused = cli("uninstall", "--force")
    assert (refused.code, "the original MiMo Code" in refused.err) == (2, True)
    assert all(path.is_dir() for path in places.values())
    shutil.rmtree(places["cache"])
    (cli.home / "precious").mkdir()
    places["cache"].symlink_to(cli.home / "precious")
    refused = cli("uninstall", "--force", "--keep-data")
    assert (refused.code, "remove it by hand" in refused.err) == (2, True)
    assert places["config"].is_dir()


def test_a_home_of_our_own_holds_the_users_home(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path / "data/ada"), "MIMOCODE_HOME": str(tmp_path)}
    (tmp_path / "data/ada").mkdir(parents=True)
    host = Host(["mimocode_plugins.store.workspace"], directory=tmp_path, external=False, environ=environ)
    with pytest.raises(UsageError, match="remove it by hand"):
        removing.wanted(argparse.Namespace(keep_config=False, keep_data=False), host)


# -- completion -----------------------------------------------------------------

BASH = """source /dev/stdin
complete_() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _mimo; echo "${COMPREPLY[@]}"; }
complete_ mimo unin
complete_ mimo session ver
complete_ mimo --pure auth import cl
complete_ mimo uninstall --keep-d
"""


def test_bash_completes(cli: Cli) -> None:
    script = cli("completion", "bash").out
    (cli.home / "probe").write_text(BASH.replace("/dev/stdin", str(cli.home / "script")))
    (cli.home / "script").write_text(script)
    done = subprocess.run(["bash", str(cli.home / "probe")], capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines() == ["uninstall", "verify", "claude", "--keep-data"], done.stderr


ZSH = """compdef() {{ : }}
source {script}
compadd() {{ print -- $words_ }}
words=(mimo unin) CURRENT=2; _mimo | grep -ow uninstall
words=(mimo --pure session ver) CURRENT=4; _mimo | grep -ow verify
"""
FISH = """source {script}
complete -C 'mimo unin' | string split -f1 \\t
complete -C 'mimo --pure session ver' | string split -f1 \\t
"""


@pytest.mark.parametrize(("shell", "probe"), [("zsh", ZSH), ("fish", FISH)])
def test_zsh_and_fish_complete(cli: Cli, shell: str, probe: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (cli.home / "script").write_text(cli("completion", shell).out)
    (cli.home / "probe").write_text(probe.format(script=cli.home / "script"))
    words = [shell, *(["-f"] if shell == "zsh" else ["--no-config"]), str(cli.home / "probe")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**cli.env, "TERM": "dumb"})
    assert (done.stdout.split(), done.stderr) == (["uninstall", "verify"], "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_their_script(cli: Cli, shell: str) -> None:
    script = cli("completion", shell).out
    assert "uninstall" in script and "keep-data" in script
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=script.encode(), timeout=30).returncode == 0


def test_the_shell_is_found_out(cli: Cli) -> None:
    assert cli("completion", SHELL="/bin/bash").out == cli("completion", "bash").out
    assert cli("completion", SHELL="/bin/tcsh").code == 2
    cli.plugin("extra", "from mimocode import hookimpl\n@hookimpl\ndef register_cli(commands):\n"
               "    commands.add('wonder', 'x', None)\n")  # fmt: skip
    assert "wonder" in cli("completion", "bash").out
