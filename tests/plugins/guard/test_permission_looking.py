"""A read-only agent's shell looks and does nothing else, and whoever works for it inherits that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import Agent, Say, ToolCall, hookimpl
from mimocode.testing import play, talk
from mimocode_plugins.guard import permission
from mimocode_plugins.guard.permission.looking import writes
from mimocode_plugins.tools import files, patch, shell

LOOKS = [
    "ls -la src",
    "cat a.py | head -n 20",
    "grep -rn 'def x' . | sort | uniq -c",
    "rg --files -g '*.py'",
    "find . -name '*.py' -newer setup.py",
    "git status && git log --oneline -n 5",
    "git --no-pager diff HEAD~1 -- src",
    "git branch -a; git remote -v; git stash list; git worktree list --porcelain",
    "sed -n '1,40p;50p' a.py",
    "cd src && wc -l *.py 2>/dev/null",
    "LC_ALL=C sort a.txt",
    "python --version",
    "echo $(git rev-parse HEAD)",
    "date +%F",
    "",
]
WRITES = [
    "touch x",
    "echo x > a.py",
    "ls >> a.py",
    "cat a | tee b",
    "sed -i s/a/b/ a.py",
    "sed -n w/tmp/x a.py",
    "sed -n 'w out' a.py",
    "find . -delete",
    "find . -exec touch {} ;",
    "find . $X",
    "find . -fprint out",
    "sort -o a a",
    "sort -uo a a",
    "sort --output=a a",
    "rg --pre 'sh -c x' y",
    "git commit -am x",
    "git branch new",
    "git branch -D main",
    "git stash",
    "git log --output=x",
    "git grep -Osh x",
    "git -c core.pager=sh log",
    "git --exec-path=/x status",
    "git checkout .",
    "git worktree add ../x",
    'python -c \'open("x","w")\'',
    "make",
    "./ls",
    "/opt/bin/ls",
    "$PAGER x",
    "PATH=. ls",
    "X=1; $X",
    "env X=1 touch a",
    "sudo ls",
    "xargs rm < list",
    "bash -c 'ls'",
    "ls; if true; then touch y; fi",
    "ls $(touch x)",
    "ls `touch x`",
    "ls <(touch x)",
    "eval ls",
    "date -s tomorrow",
    "tree -o out",
    "uniq a b",
    "file -C -m x",
    "find . *",
    "f() { touch x; }; f",
    "ls & touch x",
    "alias ls=rm; ls",
    "curl https://example.org",
    "npm test",
]


@pytest.mark.parametrize("command", LOOKS)
def test_looking_is_let_through(command: str) -> None:
    assert writes(command) == ""


@pytest.mark.parametrize("command", WRITES)
def test_everything_else_is_not(command: str) -> None:
    assert writes(command) != ""


@given(st.sampled_from(LOOKS), st.sampled_from(WRITES), st.sampled_from(["; ", " && ", " | ", "\n", " || "]))
def test_nothing_hides_behind_looking(look: str, write: str, join: str) -> None:
    assert writes(f"{look}{join}{write}") != "" or not look.strip()


def tree(folder: Path) -> set[str]:
    """The files in a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


READER = Agent("reader", options={"read_only": True, "permission": {"edit": {"*": "deny", "plans/*": "allow"}}})


async def done(directory: Path, *calls: ToolCall, agent: Agent = READER) -> list[str]:
    """What came of calls by this agent when everything that is asked is approved."""
    plugins = [permission, files, patch, shell]
    async with play([*calls], "ok", plugins=plugins, directory=directory, agent=agent, yolo=True) as session:
        await session.submit(Say("go"))
        await session.settled()
        return [line.removeprefix("tool: ") for line in talk(session) if line.startswith("tool: ")]


async def test_no_tool_writes_for_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    change = "*** Begin Patch\n*** Add File: c.py\n+c\n*** End Patch"
    said = await done(
        tmp_path,
        ToolCall("0", "read", {"file_path": "a.py"}),
        ToolCall("1", "write", {"file_path": "b.py", "content": "b"}),
        ToolCall("2", "edit", {"file_path": "a.py", "old_string": "a = 1", "new_string": "a = 2"}),
        ToolCall("3", "apply_patch", {"patch_text": change}),
        ToolCall("4", "bash", {"command": "echo b > b.py"}),
        ToolCall("5", "bash", {"command": "python3 -c \"open('b.py','w')\""}),
        ToolCall("6", "bash", {"command": "ls"}),
        ToolCall("7", "write", {"file_path": "plans/p.md", "content": "plan"}),
        ToolCall("8", "write", {"file_path": "plans/../d.py", "content": "d"}),
    )
    assert [line.startswith("Denied") for line in said] == [False, True, True, True, True, True, False, False, True]
    assert "the agent reader only looks, and this writes to b.py" in said[4]
    assert tree(tmp_path) == {"a.py", "plans/p.md"}
    assert (tmp_path / "a.py").read_text() == "a = 1\n"


class Stranger:
    """A tool of somebody else's server, and a user who is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    @hookimpl
    async def tool_servers(self) -> list[Any]:
        from mcp.server.mcpserver import MCPServer

        from mimocode import ToolServer

        server = MCPServer("hub")

        @server.tool(structured_output=False)
        async def poke() -> str:
            """Poke."""
            return "poked"

        return [ToolServer("hub", lambda: server, external=True)]

    @hookimpl
    async def on_event(self, event: Any) -> None:
        if type(event).__name__ == "ApprovalAsked":
            self.asked.append((event.call.name, event.forced))


async def test_what_others_tools_do_nobody_knows_so_a_person_is_asked(tmp_path: Path) -> None:
    stranger = Stranger()
    lines = [[ToolCall("1", "hub_poke")], "ok"]
    async with play(
        *lines, plugins=[permission, stranger], directory=tmp_path, agent=READER, allow=False, yolo=True
    ) as session:
        await session.submit(Say("go"))
        await session.settled()
        assert talk(session)[2] == "tool: Denied: the user said no"
    assert stranger.asked == [("hub_poke", True)]


async def test_who_works_for_it_may_no_more_than_it(tmp_path: Path) -> None:
    class Crew:
        @hookimpl
        def register_agents(self) -> list[Agent]:
            return [Agent("worker", mode="subagent")]

    calls = [
        ToolCall("1", "write", {"file_path": "b.py", "content": "b"}),
        ToolCall("2", "bash", {"command": "touch b.py"}),
        ToolCall("3", "bash", {"command": "ls"}),
    ]
    plugins = [permission, files, shell, Crew()]
    async with play([*calls], "ok", plugins=plugins, directory=tmp_path, agent=READER, yolo=True) as session:
        async with session.host.open(agent="worker", model="script/lines", parent=session) as child:
            await child.submit(Say("go"))
            await child.settled()
            said = [line for line in talk(child) if line.startswith("tool: ")]
    assert [line.startswith("tool: Denied") for line in said] == [True, True, False]
    assert tree(tmp_path) == set()


async def test_what_its_caller_must_ask_for_it_asks_for_too(tmp_path: Path) -> None:
    class Crew:
        @hookimpl
        def register_agents(self) -> list[Agent]:
            return [Agent("worker", mode="subagent", options={"permission": {"bash": "allow"}})]

    careful = Agent("careful", options={"permission": {"bash": {"*": "ask", "ls *": "allow"}}})
    calls = [ToolCall("1", "bash", {"command": "touch b.py"}), ToolCall("2", "bash", {"command": "ls -a"})]
    plugins = [permission, shell, Crew()]
    async with play([*calls], "ok", plugins=plugins, directory=tmp_path, agent=careful, allow=False) as session:
        async with session.host.open(agent="worker", model="script/lines", parent=session) as child:
            await child.submit(Say("go"))
            await child.settled()
            said = [line for line in talk(child) if line.startswith("tool: ")]
    assert [line.startswith("tool: Denied: the user said no") for line in said] == [True, False]
    assert tree(tmp_path) == set()
