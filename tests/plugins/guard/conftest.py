"""A house of its own for every test, and three tools that say what they touch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer  # here, because in a hook of a busy machine it takes too long

from mimocode.events import ApprovalAsked, Approve
from mimocode.hookspecs import hookimpl
from mimocode.messages import ToolSpec
from mimocode.session import Session


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our data lives beside the project, and nothing of the real environment leaks in."""
    monkeypatch.setenv("MIMOCODE_HOME", str(tmp_path / "mimo"))
    for name in ("MIMOCODE_DANGEROUSLY_SKIP_PERMISSIONS", "MIMOCODE_AUTO_APPROVE_DELETE", "MIMOCODE_PERMISSION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "mimo"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project."""
    made = tmp_path / "project"
    made.mkdir()
    return made


def spec(name: str, **touches: Any) -> ToolSpec:
    """A tool that says what it touches."""
    return ToolSpec(name, "", {}, meta={"mimocode": touches})


SPECS = {
    tool.name: tool
    for tool in (
        spec("look", permission="read", paths=["file_path"]),
        spec("change", permission="edit", paths=["file_path"]),
        spec("shell", permission="bash", command="command", paths=["workdir"]),
        spec("find", permission="glob", paths=["path"], patterns=["pattern"]),
        spec("learn", permission="skill", patterns=["name"]),
        ToolSpec("strange", "", {}),
    )
}


class Answers:
    """A plugin that stands in for a user who says no, and keeps what was asked."""

    def __init__(self, message: str = "") -> None:
        self.message, self.asked = message, list[ApprovalAsked]()

    @hookimpl
    async def on_event(self, event: Any, session: Session) -> None:
        """No, with the message given, or with the guard's own reason as a headless run does."""
        if isinstance(event, ApprovalAsked):
            self.asked.append(event)
            await session.submit(Approve(event.call.id, False, self.message or event.reason))


class Hands:
    """A plugin with real tools: an MCP server in this process that keeps what was run."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.says = "done"

    @hookimpl
    def tool_servers(self) -> list[Any]:
        """One server with a shell that only writes down what it was told."""
        server = MCPServer("hands")

        def shell(command: str) -> str:
            self.ran.append(command)
            return self.says

        server.add_tool(shell, structured_output=False, meta={"mimocode": {"permission": "bash", "command": "command"}})
        return [server]
