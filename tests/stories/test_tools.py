"""The tool plugins in a real session: the catalogues are offered at once, the calls reach the servers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mimocode_plugins
from mimocode import toolbox
from mimocode.events import Say
from mimocode.messages import ToolCall, ToolSpec
from mimocode.ports import Agent
from mimocode.testing import MemoryStore, play, talk
from mimocode_plugins.crew import tasks
from mimocode_plugins.tools import files, patch, search, shell

PLUGINS = [files, search, shell]


async def test_an_agent_finds_reads_changes_and_runs(tmp_path: Path) -> None:
    (tmp_path / "add.py").write_text("def add(a, b):\n    return a - b\n")
    steps = [
        [ToolCall("1", "grep", {"pattern": "def add"})],
        [ToolCall("2", "read", {"filePath": "add.py"})],
        [ToolCall("3", "edit", {"filePath": "add.py", "oldString": "a - b", "newString": "a + b"})],
        [ToolCall("4", "bash", {"command": "python3 -c 'import add; print(add.add(1, 2))'"})],
        "Done.",
    ]
    async with play(*steps, plugins=PLUGINS, directory=tmp_path) as session:
        assert sorted(session.toolbox.specs) == ["bash", "edit", "glob", "grep", "jobs", "read", "write"]
        await session.submit(Say("Fix add."))
        await session.settled()
        answers = [line for line in talk(session) if line.startswith("tool: ")]
    assert answers == [
        f"tool: Found 1 match\n\n{tmp_path}/add.py:\n  Line 1: def add(a, b):",
        f"tool: <path>{tmp_path}/add.py</path>\n<type>file</type>\n<content>\n"
        "1: def add(a, b):\n2:     return a - b\n\n(End, 2 lines.)\n</content>",
        "tool: Replaced 1 place.",
        "tool: 3",
    ]


CATALOGUES = sorted(Path(mimocode_plugins.__file__).parent.glob("*/*/catalogue.json"))
TOOLS = {tool["name"]: tool["input_schema"] for file in CATALOGUES for tool in json.loads(file.read_text())}


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_takes_its_arguments_in_camel_case(name: str) -> None:
    names = TOOLS[name]["properties"]
    given = {re.sub(r"_(.)", lambda at: at[1].upper(), each): each for each in names}
    spec = ToolSpec(name, "", TOOLS[name])
    assert toolbox._arguments(ToolCall("1", name, given), spec) == {each: each for each in names}


async def test_what_stands_inside_of_arguments_may_be_in_camel_case_too(tmp_path: Path) -> None:
    steps = [
        [ToolCall("1", "write", {"filePath": "a", "content": "one two two"})],
        [ToolCall("2", "multiedit", {"filePath": "a", "edits": [{"oldString": "one", "newString": "1"}]})],
        [
            ToolCall(
                "3",
                "multiedit",
                {"filePath": "a", "edits": [{"oldString": "two", "newString": "2", "replaceAll": True}]},
            )
        ],
        [ToolCall("4", "task", {"operation": {"action": "create", "summary": "Above"}})],
        [ToolCall("5", "task", {"operation": {"action": "create", "summary": "Below", "parentId": "T1"}})],
        "Done.",
    ]
    async with play(*steps, plugins=[*PLUGINS, patch, tasks], directory=tmp_path) as session:
        await session.submit(Say("Go."))
        await session.settled()
        assert not [line for line in talk(session) if "rror" in line]
        assert any("T1.1" in line for line in talk(session))
    assert (tmp_path / "a").read_text() == "1 2 2"


async def test_a_failing_call_is_an_answer_and_the_turn_goes_on(tmp_path: Path) -> None:
    async with play([ToolCall("1", "read", {"file_path": "gone"})], "I see.", plugins=PLUGINS, directory=tmp_path) as s:
        await s.submit(Say("Read it."))
        await s.settled()
        assert talk(s)[-2:] == [f"tool: There is no file {tmp_path}/gone.", "assistant: I see."]
        assert s.state.messages[-2].error


async def test_what_was_read_need_not_be_read_again_when_the_session_goes_on(tmp_path: Path) -> None:
    (tmp_path / "add.py").write_text("a - b\n")
    (tmp_path / "other.py").write_text("one\n")
    reads = [ToolCall(name, "read", {"file_path": name}) for name in ("add.py", "other.py")]
    store, agent = MemoryStore(), Agent("agent")
    async with play(reads, "I see.", plugins=PLUGINS, directory=tmp_path, store=store, agent=agent) as session:
        await session.submit(Say("Read them."))
        await session.settled()
    (tmp_path / "other.py").write_text("two\n")
    edits = [
        ToolCall("1", "edit", {"file_path": "add.py", "old_string": "a - b", "new_string": "a + b"}),
        ToolCall("2", "edit", {"file_path": "other.py", "old_string": "two", "new_string": "three"}),
    ]
    again = {"directory": tmp_path, "store": store, "session_id": session.id, "agent": agent}
    async with play(edits, "Done.", plugins=PLUGINS, **again) as session:
        await session.submit(Say("Change them."))
        await session.settled()
        assert [line for line in talk(session) if line.startswith("tool: ")][-2:] == [
            "tool: Replaced 1 place.",
            f"tool: {tmp_path}/other.py has changed since it was read; read it again, then edit.",
        ]
        assert session.host.options["complaints"] == []
    assert (tmp_path / "add.py").read_text() == "a + b\n"


def test_what_is_registered_at_start_is_light() -> None:
    program = "import sys, mimocode_plugins.tools." + ", mimocode_plugins.tools.".join(["files", "search", "shell"])
    heavy = "mcp pydantic anyio pathspec subprocess difflib"
    code = f"{program}; print([m for m in {heavy.split()!r} if m in sys.modules])"
    paths = [str(Path(__file__).parents[2] / name) for name in ("kernel", "plugins")]
    env = {"PYTHONPATH": ":".join(paths)}
    bare = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert bare.stdout.strip() == "[]"
