"""What the README files show works, and what they name exists."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from house import tree
from house.rules import ROOT
from mimocode import hookspecs as on
from mimocode.events import Say
from mimocode.host import Host
from mimocode.main import Commands
from mimocode.messages import ToolCall
from mimocode.testing import play, talk

COMING_COMMANDS = {"run", "models", "plugins", "demo"}
COMING_FAMILIES = {"guard", "providers", "tools", "ui", "crew"}
"""Described already, not merged yet. These lists only shrink."""


def readme(room: str = "") -> str:
    """The README of a room."""
    return (ROOT / room / "README.md").read_text(encoding="utf-8")


def example(directory: Path) -> ModuleType:
    """The plugin that plugins/README.md shows, as a module."""
    [code] = re.findall(r"```python\n(.*?)```", readme("plugins"), re.DOTALL)
    file = directory / "clock.py"
    file.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("clock", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_the_plugin_of_the_readme_works(tmp_path: Path) -> None:
    clock = example(tmp_path)
    async with play([ToolCall("1", "now")], "It is late.", plugins=[clock], directory=tmp_path, allow=None) as session:
        await session.submit(Say("what time is it?"))
        await session.settled()
        user, call, result, answer = talk(session)
    assert (user, call, answer) == ("user: what time is it?", "assistant: now()", "assistant: It is late.")
    assert re.fullmatch(r"tool: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", result)
    commands = Commands()
    Host([clock], directory=tmp_path, external=False).hooks.collect_now(on.register_cli, commands=commands)
    assert commands.parser.parse_args(["time"]).run


def test_every_command_that_a_readme_names_exists() -> None:
    commands = Commands()
    Host(external=False).hooks.collect_now(on.register_cli, commands=commands)
    known = set(re.findall(r"^    (\w+)", commands.parser.format_help(), re.MULTILINE)) | COMING_COMMANDS
    for room in ("", "kernel", "plugins"):
        named = set(re.findall(r"\bmimo ([a-z]+)", readme(room)))
        assert named <= known, f"{room}/README.md names commands that do not exist: {sorted(named - known)}"


def test_every_plugin_that_the_readme_names_exists() -> None:
    named = re.findall(r"^\| `(\w+)\.(\w+)` \|", readme("plugins"), re.MULTILINE)
    gone = [f"{family}.{name}" for family, name in named if family not in COMING_FAMILIES]
    assert set(gone) <= set(tree.default()), f"plugins/README.md has lines for plugins that are not in DEFAULT: {gone}"
    assert named == sorted(named), "the lines of plugins/README.md are in the order of the alphabet"


def test_every_link_leads_somewhere() -> None:
    for room in ("", "kernel", "plugins"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", readme(room)):
            assert (ROOT / room / target).exists(), f"{room}/README.md links to {target}, which is not there"
