"""The demo's project: a small Python package under git, with one real bug and tests that show it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

BUG = "        total = int(number) * UNITS[unit]"
FIX = "        total += int(number) * UNITS[unit]"
FILE = "tally/durations.py"
QUIET = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PYTHONDONTWRITEBYTECODE": "1"}
"""For git and Python in the demo: whatever the user's git is configured to do, this is not the place for it."""
IDENTITY = ("-c", "user.name=MiMo Code demo", "-c", "user.email=demo@localhost", "-c", "init.defaultBranch=main")


def create(folder: Path) -> bool:
    """Write the project and commit it; False when there is no git, then it is a plain folder."""
    _copy(files(__package__) / "project", folder)
    commands = (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "A small package"))
    return all(_git(folder, *command) is not None for command in commands)


def failures(folder: Path, git: bool) -> list[str]:
    """What is not as it should be after the demo: empty when the tests pass and exactly the bug is gone."""
    wrong = []
    tests = [sys.executable, "-m", "unittest", "-q"]
    if subprocess.run(tests, cwd=folder, env=os.environ | QUIET, capture_output=True, check=False).returncode:
        wrong.append("the tests still fail")
    original = (files(__package__) / "project" / f"{FILE}.txt").read_text("utf-8")
    if (folder / FILE).read_text("utf-8") != original.replace(BUG, FIX):
        wrong.append(f"{FILE} is not what it should be")
    if git and _git(folder, "status", "--porcelain") != f" M {FILE}\n":
        wrong.append("git shows other changes than the one intended")
    return wrong


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None when there is no git or it fails."""
    command = ["git", *IDENTITY, *arguments]
    try:
        done = subprocess.run(command, cwd=folder, env=os.environ | QUIET, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _copy(source: Traversable, target: Path) -> None:
    """Copy a folder of templates; their names end in .txt so that nobody takes them for code of the product."""
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, target / item.name)
        else:
            (target / item.name.removesuffix(".txt")).write_bytes(item.read_bytes())
