"""Deleting a plugin's folder deletes the feature, and nothing else: the main job is run without each in turn."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from house import tree
from house.rules import ROOT
from support.cli import Cli

pytestmark = pytest.mark.slow

NEEDED = {
    "store.sqlite": "no plugin keeps the log: enable one that implements open_store",
    "store.workspace": "no plugin finds the workspace: enable one that implements open_workspace",
    "providers.scripted": "the demo needs the plugin providers.scripted",
    "ui.demo": "invalid choice: 'demo'",
    "tools.files": "",
    "tools.search": "",
    "tools.shell": "",
}
"""What the demo is made of, with what it says when one is gone: a tool that is gone is the model's to deal with."""


@dataclass
class Tree:
    """A copy of the product from which folders can be taken."""

    place: Path

    def without(self, plugin: str, cli: Cli) -> tuple[int, str]:
        """Run the demo without a plugin: the exit code and what it said."""
        family, name = plugin.split(".")
        folder, aside = self.place / "plugins/mimocode_plugins" / family / name, self.place / "aside"
        folder.rename(aside)
        try:
            path = os.pathsep.join(str(self.place / part) for part in ("kernel", "plugins"))
            done = cli("demo", "--fast", PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1")
        finally:
            aside.rename(folder)
        return done.code, done.err


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    place = tmp_path_factory.mktemp("product")
    for part in ("kernel", "plugins", "skills", "agents", "commands"):
        shutil.copytree(ROOT / part, place / part)
    return Tree(place)


@pytest.mark.parametrize("plugin", tree.default())
def test_the_demo_runs_without_each_plugin(plugin: str, copy: Tree, tmp_path: Path) -> None:
    code, said = copy.without(plugin, Cli(tmp_path))
    own = [line for line in said.splitlines() if line.startswith("mimo: ")]
    gone = f"mimo: plugin mimocode_plugins.{plugin}: ModuleNotFoundError: No module named 'mimocode_plugins.{plugin}'"
    assert own[0] == gone
    assert "mimocode/main.py" not in said, "a stack trace reached the user"
    if plugin in NEEDED:
        assert code != 0
        assert NEEDED[plugin] in said
    else:
        assert (code, [line for line in own if line != gone]) == (0, [])
