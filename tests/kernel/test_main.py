"""The command line as a process: what goes where, and with which exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mimocode import __version__

ROOT = Path(__file__).parents[2]


def mimo(*words: str, home: Path, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the product in a clean environment."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": f"{ROOT}/kernel:{ROOT}/plugins", **environ}
    command = [sys.executable, "-m", "mimocode.main", *words]
    return subprocess.run(command, env=env, cwd=cwd or home, capture_output=True, text=True, timeout=60, check=False)


def test_the_version_goes_to_stdout(tmp_path: Path) -> None:
    done = mimo("--version", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("words", [["--no-such"], ["nonsense"]])
def test_what_makes_no_sense_is_one_sentence_on_stderr(tmp_path: Path, words: list[str]) -> None:
    done = mimo(*words, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mimo: ") and done.stderr.rstrip().endswith("see `mimo --help`")
    assert "Traceback" not in done.stderr


def test_nothing_is_created_by_asking_for_help(tmp_path: Path) -> None:
    done = mimo("--help", home=tmp_path)
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_an_error_commands_no_terminal(tmp_path: Path) -> None:
    done = mimo("run", "--dir", "\x1b]52;c;eA==\x07gone\u202e", "hi", home=tmp_path)
    assert (done.returncode, done.stderr) == (2, "mimo: ?]52;c;eA==?gone?: No such file or directory\n")
