"""A home and projects of one's own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where all data goes in these tests."""
    place = tmp_path / "home"
    place.mkdir()
    for name in list(os.environ):
        if name.startswith(("MIMOCODE_", "XDG_", "GIT_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(place))
    return place


def git(folder: Path, *words: str) -> str:
    """Run git as a user would."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"]
    ran = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return ran.stdout.strip()


def repository(folder: Path, remote: str = "", first: str = "first") -> Path:
    """A repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", f"{first} of {folder.name}")
    if remote:
        git(folder, "remote", "add", "origin", remote)
    return folder
