"""Every example runs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.cli import ROOT, Cli

EXAMPLES = ROOT / "examples"


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    """A step in which the model calls one tool."""
    return {"calls": [{"name": tool, "arguments": arguments}]}


def test_hello_plugin(cli: Cli) -> None:
    cli.plugin("mimocode_hello", (EXAMPLES / "hello_plugin/mimocode_hello.py").read_text())
    said = {"text": "${prompt} ${result}"}
    done = cli("run", "-m", cli.scenario([call("hello", name="Ada"), said]), "/hello Ada")
    assert (done.code, done.out) == (0, "Greet Ada with the hello tool. Hello, Ada!\n"), done.err
    done = cli("run", "-m", cli.scenario([call("hello", name="ADA"), said]), "loudly")
    assert (done.code, done.out) == (0, "loudly Denied: names are not shouted\n")
    assert "mimocode_hello  mimocode_hello 1.0" in cli("plugins").out


def test_guard(cli: Cli) -> None:
    cli.plugin("guard_example", (EXAMPLES / "guard.py").read_text())
    steps = [
        call("write", file_path="migrations/0001.sql", content="x"),
        {"text": "${result}", **call("write", file_path="0002.sql", content="x")},
        {"text": "ok"},
    ]
    done = cli("run", "-m", cli.scenario(steps), "change the tables")
    assert done.code == 0
    assert "Denied: migrations are never edited; write a new one" in done.err
    assert [path.name for path in cli.project.iterdir()] == ["0002.sql"]


def test_own_model(cli: Cli) -> None:
    cli.plugin("own_model", (EXAMPLES / "own_model.py").read_text())
    done = cli("run", "-m", "own/parrot", "hello", "there")
    assert (done.code, done.out) == (0, "hello there\n"), done.err
    assert "own/parrot" in cli("models").out


def test_own_ui(cli: Cli) -> None:
    cli.plugin("own_ui", (EXAMPLES / "own_ui.py").read_text())
    cli.settings(model=cli.scenario([call("glob", pattern="*"), {"text": "Nothing here."}]))
    done = cli("terse", "look")
    assert (done.code, done.out) == (0, ".Nothing here.\n"), done.err


def test_embed(cli: Cli) -> None:
    steps = [call("glob", pattern="*"), {"text": "An empty folder."}]
    cli.settings(model=cli.scenario(steps))
    command = [sys.executable, str(EXAMPLES / "embed.py"), str(cli.project), "What is this?"]
    done = subprocess.run(command, env=cli.env, cwd=cli.home, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "An empty folder.\n"), done.stderr
    assert "ok" in done.stderr


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.name)
def test_examples_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40


@pytest.mark.slow
def test_installed_with_pip_into_a_fresh_environment(tmp_path: Path) -> None:
    """What a stranger does: a new environment, two installs, and the plugin takes part. Needs a package index."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, ROOT, EXAMPLES / "hello_plugin"], capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr or "Temporary failure in name resolution" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    (tmp_path / "scenario.json").write_text(
        '{"steps": [{"calls": [{"name": "hello", "arguments": {"name": "Ada"}}]}, {"text": "${result}"}]}'
    )
    mimo = [tmp_path / "venv/bin/mimo", "run", "-m", f"scripted/{tmp_path}/scenario.json", "hi"]
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(mimo, env=env, cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Hello, Ada!\n"), done.stderr
