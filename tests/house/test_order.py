"""Nothing hangs on the order in which plugins are registered."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mimocode import hookspecs as on
from mimocode.events import Say
from mimocode.hookspecs import hookimpl
from mimocode.host import Host
from mimocode.main import Commands
from mimocode.testing import MemoryStore, Script, talk
from mimocode_plugins import DEFAULT


class Stage:
    """A log in memory and a model that says one line; registered last, hence asked first."""

    def __init__(self) -> None:
        self.memory, self.script = MemoryStore(), Script("hello")

    @hookimpl
    async def open_store(self) -> MemoryStore:
        return self.memory

    @hookimpl
    async def open_model(self, ref: str) -> Script | None:
        return self.script if ref == self.script.ref else None


async def outcome(order: list[str], directory: Path) -> dict[str, object]:
    """All that a workspace with these plugins comes to, as far as order could change it."""
    complaints: list[str] = []
    host = Host([*order, Stage()], directory=directory, external=False, complain=complaints.append)
    commands = Commands()
    host.hooks.collect_now(on.register_cli, commands=commands)
    async with host.open(model="script/lines") as session:
        await session.submit(Say("hi"))
        await session.settled()
        window = session.state.window
        assert window is not None
        found = {
            "complaints": complaints,
            "said": talk(session),
            "agents": set(await host.agents()),
            "commands": set(await host.commands()),
            "help": sorted(commands.parser.format_help().split()),
            "settings": set(host.settings.claims),
            "system": sorted(part.text for part in window.system),
            "tools": sorted(tool.name for tool in window.tools),
            "agent": session.agent.name,
        }
    host.close()
    return found


async def test_any_order_of_the_builtins_comes_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MIMOCODE_HOME", str(tmp_path / "mimocode"))
    (tmp_path / "project").mkdir()
    usual = await outcome(list(DEFAULT), tmp_path / "project")
    assert usual["complaints"] == []
    assert usual["said"] == ["user: hi", "assistant: hello"]
    for seed in range(3):
        order = random.Random(seed).sample(DEFAULT, len(DEFAULT))
        assert await outcome(order, tmp_path / "project") == usual, f"this order makes a difference: {order}"
