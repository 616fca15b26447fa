"""A subfolder's instructions come with the first file that is read in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mimocode.events import Say
from mimocode.hookspecs import hookimpl
from mimocode.messages import ToolCall
from mimocode.ports import Ruling, ToolServer, Verdict
from mimocode.testing import play
from mimocode_plugins.context import instructions
from mimocode_plugins.store import workspace


def server() -> object:
    """One tool that reads, one that does not say what it does."""
    from mcp.server.mcpserver import MCPServer

    made = MCPServer("reader")

    @made.tool(structured_output=False, meta={"mimocode": {"permission": "read", "paths": ["file_path"]}})
    def look(file_path: str) -> str:
        return f"content of {file_path}"

    @made.tool(structured_output=False)
    def other(file_path: str) -> str:
        return "something else"

    return made


class Reader:
    """Offers the server and lets everything run."""

    @hookimpl
    def tool_servers(self) -> list[ToolServer]:
        return [ToolServer("reader", server)]

    @hookimpl
    def rule_on_call(self) -> Ruling:
        return Ruling(Verdict.ALLOW)


async def results(directory: Path, *calls: tuple[str, str]) -> list[str]:
    lines = [[ToolCall(str(n), name, {"file_path": path})] for n, (name, path) in enumerate(calls)]
    async with play(*lines, "done", plugins=[workspace, instructions, Reader()], directory=directory) as session:
        await session.submit(Say("look"))
        await session.settled()
        return [message.text for message in session.state.messages if message.role == "tool"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name, text in {
        "AGENTS.md": "top",
        "web/AGENTS.md": "w" * 500,
        "web/CLAUDE.md": "no",
        "web/ui/CLAUDE.md": "ui",
    }.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


async def test_they_come_once_and_the_outer_ones_first(project: Path) -> None:
    first = f"Instructions from: {project}/web/AGENTS.md\n{'w' * 500}"
    second = f"Instructions from: {project}/web/ui/CLAUDE.md\nui"
    assert await results(project, ("look", "web/ui/a.py"), ("look", "web/ui/b.py"), ("look", "c.py")) == [
        f"content of web/ui/a.py\n<instructions>\n{first}\n\n{second}\n</instructions>",
        "content of web/ui/b.py",
        "content of c.py",
    ]


async def test_absolute_paths_count_and_paths_outside_do_not(project: Path) -> None:
    told = await results(project / "web", ("look", f"{project}/web/ui/a.py"), ("look", "../AGENTS.md"))
    assert told == [
        f"content of {project}/web/ui/a.py\n<instructions>\n"
        f"Instructions from: {project}/web/ui/CLAUDE.md\nui\n</instructions>",
        "content of ../AGENTS.md",
    ]


async def test_a_tool_that_does_not_read_files_brings_nothing(project: Path) -> None:
    assert await results(project, ("other", "web/ui/a.py")) == ["something else"]


async def test_a_link_out_of_the_project_is_not_told(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (project / "lib").mkdir()
    (project / "lib/AGENTS.md").symlink_to(tmp_path / "secret")
    assert await results(project, ("look", "lib/a.py")) == ["content of lib/a.py"]
