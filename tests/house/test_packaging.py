"""What is installed is what is meant: two packages, the data folders, nothing else, and it runs from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from house.rules import ROOT

pytestmark = pytest.mark.slow
DATA = ("skills", "agents", "commands")


def build(source: Path, target: Path, kind: str) -> Path:
    """Build "wheel" or "sdist" with the installed backend, without network."""
    command = [sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", str(target), str(source)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr
    [made] = target.iterdir()
    return made


def packed(wheel: Path) -> set[str]:
    """The files of a wheel without its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def tree() -> set[str]:
    """The files that a wheel should hold, by their places in it."""
    roots = {ROOT / "kernel/mimocode": "mimocode", ROOT / "plugins/mimocode_plugins": "mimocode_plugins"}
    roots |= {ROOT / name: f"mimocode/{name}" for name in DATA}
    return {
        f"{place}/{path.relative_to(root).as_posix()}"
        for root, place in roots.items()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return build(ROOT, tmp_path_factory.mktemp("wheel"), "wheel")


def test_the_wheel_holds_both_packages_and_the_data_and_nothing_else(wheel: Path) -> None:
    assert packed(wheel) == tree(), "see [tool.hatch.build.targets.wheel] in pyproject.toml"
    assert {name.split("/")[0] for name in packed(wheel)} == {"mimocode", "mimocode_plugins"}
    assert {"mimocode/agents/build.md", "mimocode_plugins/context/prompt/base.md", "mimocode/py.typed"} <= packed(wheel)


def test_a_wheel_made_from_the_source_archive_is_the_same(wheel: Path, tmp_path: Path) -> None:
    archive = build(ROOT, tmp_path / "sdist", "sdist")
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "unpacked", filter="data")
    [source] = (tmp_path / "unpacked").iterdir()
    assert {path.name for path in source.iterdir()} >= {"tests", "kernel", "plugins", "README.md", "LICENSE"}
    assert packed(build(source, tmp_path / "again", "wheel")) == packed(wheel)


def test_what_was_installed_runs_from_anywhere_and_finds_its_data(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys, mimocode, mimocode_plugins; from mimocode import main; from mimocode_plugins.crew import assets\n"
        "print(mimocode.__file__, mimocode_plugins.__file__, assets.root('agents') / 'build.md')\n"
        "sys.exit(main.main(['--version']))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    places, version = run.stdout.splitlines()
    assert all(place.startswith(str(tmp_path)) and Path(place).is_file() for place in places.split())
    assert wheel.name.startswith(f"mimocode-{version}-")


def test_the_commands_are_declared(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        declared = archive.read(name).decode().split()
    assert declared[0] == "[console_scripts]"
    assert {line for line in "".join(declared[1:]).split("mimocode.main:console") if line} == {"mimo=", "mimocode="}
