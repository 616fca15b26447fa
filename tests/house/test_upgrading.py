"""The program replaces and removes itself: in an environment of its own, from wheels built here, without network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from house.rules import ROOT
from house.test_packaging import build

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def wheels(folder: Path) -> Path:
    """A directory with this version and the next one."""
    shelf = folder / "shelf"
    shelf.mkdir()
    shutil.move(build(ROOT, folder / "now", "wheel"), shelf)
    source = folder / "source"
    kept = shutil.ignore_patterns("__pycache__", ".*", "tests", "dist", "build")
    shutil.copytree(ROOT, source, ignore=kept)
    for name, before, after in (
        ("pyproject.toml", 'version = "0.1.0"', 'version = "0.1.1"'),
        ("kernel/mimocode/__init__.py", '__version__ = "0.1.0"', '__version__ = "0.1.1"'),
    ):
        text = (source / name).read_text("utf-8")
        assert before in text
        (source / name).write_text(text.replace(before, after), "utf-8")
    shutil.move(build(source, folder / "next", "wheel"), shelf)
    return shelf


class Scratch:
    """A virtual environment that borrows the libraries of this one, but not the program."""

    def __init__(self, folder: Path, shelf: Path) -> None:
        self.folder, self.home = folder / "venv", folder / "home"
        self.home.mkdir()
        self.env = {
            "HOME": str(self.home),
            "PATH": f"{self.folder}/bin{os.pathsep}{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(shelf),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "MIMOCODE_MODELS_URL": "http://127.0.0.1:1",
        }
        subprocess.run([sys.executable, "-m", "venv", str(self.folder)], check=True, timeout=300)
        borrowed = folder / "borrowed"
        borrowed.mkdir()
        for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
            if not path.name.startswith(("mimocode", "_mimocode", "_editable", "pip", "setuptools", "__")):
                (borrowed / path.name).symlink_to(path)
        [site] = self.folder.glob("lib/python*/site-packages")
        (site / "borrowed.pth").write_text(f"{borrowed}\n")

    def __call__(self, *words: str, code: int = 0) -> str:
        """Run a program of the environment; what it said."""
        command = [str(self.folder / "bin" / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=self.home, env=self.env, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


def test_from_one_version_to_the_next_and_back_and_away(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, wheels(tmp_path))
    scratch("pip", "install", "-q", "mimocode==0.1.0")
    assert scratch("mimo", "--version").strip() == "0.1.0"

    told = scratch("mimo", "upgrade", "--dry-run")
    assert told.startswith(f"{scratch.folder}/bin/python") and told.endswith(" -m pip install --upgrade mimocode\n")
    assert scratch("mimo", "--version").strip() == "0.1.0", "a dry run changes nothing"
    assert "Successfully installed mimocode-0.1.1" in scratch("mimo", "upgrade")
    assert scratch("mimo", "--version").strip() == "0.1.1"
    assert "0.1.1 is installed already" in scratch("mimo", "upgrade", "v0.1.1")
    scratch("mimo", "upgrade", "v0.1.0")
    assert scratch("mimocode", "--version").strip() == "0.1.0"
    assert "No matching distribution" in scratch("mimo", "upgrade", "9.9.9", code=1)
    assert scratch("mimo", "--version").strip() == "0.1.0", "what could not be had leaves the old one"

    assert "Hello" in scratch("mimo", "run", "-m", "scripted/hello", "Hi")
    data = scratch.home / ".local/share/mimocode"
    assert (data / "mimocode.db").is_file()
    shown = scratch("mimo", "uninstall", "--dry-run", "--keep-data")
    assert "pip uninstall --yes mimocode" in shown and str(data) not in shown
    assert "Successfully uninstalled mimocode-0.1.0" in scratch("mimo", "uninstall", "--keep-data", "--force")
    assert not (scratch.folder / "bin/mimo").exists() and not (scratch.folder / "bin/mimocode").exists()
    assert "not found" in scratch("pip", "show", "mimocode", code=1)
    assert (data / "mimocode.db").is_file()

    scratch("pip", "install", "-q", "mimocode")
    assert scratch("mimo", "--version").strip() == "0.1.1"
    assert "Hi" in scratch("mimo", "session", "list"), "what was kept is there again"
    scratch("mimo", "uninstall", "--force")
    assert not data.exists()
