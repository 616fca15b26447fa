"""Commands that are Markdown files: arguments, shell, files, agents; and what an untrusted project's may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import Command, Say, hookimpl
from mimocode.events import AgentChosen, Noted, Notice
from mimocode.host import Host
from mimocode.testing import play, talk
from mimocode_plugins.crew import agents, commands
from mimocode_plugins.crew.commands.template import File, Shell, Words, pieces
from mimocode_plugins.guard import permission
from mimocode_plugins.store import workspace
from mimocode_plugins.tools import files, shell, view
from support.cli import Cli


def text(template: str, arguments: str = "") -> str:
    """A template as it is said, with what would be fetched in brackets."""
    said = []
    for piece in pieces(template, arguments):
        said.append({Words: "{0.text}", Shell: "[{0.command}]", File: "<{0.path}>"}[type(piece)].format(piece))
    return "".join(said)


@pytest.mark.parametrize(
    ("template", "arguments", "told"),
    [
        ("Do it.", "", "Do it."),
        ("Do it.", "now please", "Do it.\n\nnow please"),
        ("Do $ARGUMENTS!", "a  'b c'", "Do a  'b c'!"),
        ("$1 then $2", "a b c d", "a then b c d"),
        ("$2 before $1", "a 'b c' d", "b c d before a"),
        ("$1", "", ""),
        ("$3|$1", "a b", "|a"),
        ("Fix $1: $ARGUMENTS", "x", "Fix x: x"),
        ("$1/$2", "[Image 1] b", "[Image 1]/b"),
        ("It costs $ARGUMENTSX", "", "It costs $ARGUMENTSX"),
        ("Look: !`git status` end", "", "Look: [git status] end"),
        ("!`git show $1`", "'a; rm -rf b'", "[git show 'a; rm -rf b']"),
        ("!`echo $ARGUMENTS`", "a $(b) `c`", "[echo a '$(b)' '`c`']"),
        ("Say $ARGUMENTS", "!`rm x`", "Say !`rm x`"),
        ("See @src/a.py, and @b", "", "See <src/a.py>, and <b>"),
        ("Explain $ARGUMENTS", "@src/a.py", "Explain <src/a.py>"),
        ("Fix $1", "don't x", "Fix don't x"),
        ("mail ada@example.org", "", "mail ada@example.org"),
        ("home @~/x.md.", "", "home <~/x.md>."),
    ],
)
def test_templates(template: str, arguments: str, told: str) -> None:
    assert text(template, arguments) == told


@given(st.text())
def test_arguments_are_never_a_template(arguments: str) -> None:
    assert not any(isinstance(piece, Shell) for piece in pieces("Say $ARGUMENTS and $1", arguments))
    [shell_] = [piece for piece in pieces("!`show $1`", arguments) if isinstance(piece, Shell)]
    import shlex

    assert shlex.join(shlex.split(shell_.command)) == shell_.command.strip(), "every word is quoted"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MIMOCODE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MIMOCODE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    return tmp_path


def put(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


class Ears:
    """What the user is told, which agents had the word, what was noted."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.agents: list[str] = []
        self.noted: list[dict[str, Any]] = []

    @hookimpl
    async def on_event(self, event: object) -> None:
        if isinstance(event, Notice):
            self.heard.append(event.text)
        if isinstance(event, AgentChosen):
            self.agents.append(event.agent)
        if isinstance(event, Noted) and event.plugin == "commands":
            self.noted.append(dict(event.data))


async def said(home: Path, *texts: str, trusted: bool = True, allow: bool = True) -> tuple[list[str], Ears]:
    """What is said to the agent when the user types these."""
    ears = Ears()
    plugins = [workspace, agents, commands, permission, files, shell, view, ears]  # view reads pictures alone
    async with play(*["ok"] * len(texts), plugins=plugins, directory=home / "project", allow=allow) as session:
        session.host.trusted = trusted
        for each in texts:
            await session.submit(Say(each))
            await session.settled()
        assert session.host.options["complaints"] == []
        return [line for line in talk(session) if line.startswith("user: ")], ears


async def test_output_and_files_go_along_and_are_on_record(home: Path) -> None:
    put(home / "project/a.txt", "alpha")
    put(home / ".config/mimocode/commands/show.md", "Now: !`echo $1; exit 3`", "See @a.txt and @nothing.txt")
    [told], ears = await said(home, "/show 'x y'")
    assert told.startswith("user: Now: x y\n\n<bash_metadata>\nExit code 3.")
    assert "See @a.txt and @nothing.txt\n\n" in told
    assert "alpha" in told.partition("@nothing.txt")[2], "the file that is there goes along, after the words"
    assert ears.noted == [{"command": "show", "shell": "echo 'x y'; exit 3", "ran": True, "exit": 3}]


async def test_the_guard_is_asked_and_its_no_is_passed_on(home: Path) -> None:
    put(home / ".config/mimocode/mimocode.json", json.dumps({"permission": {"bash": {"*": "ask", "ls": "deny"}}}))
    put(home / ".config/mimocode/commands/try.md", "A !`touch made` B !`ls`", "@.env")
    put(home / "project/.env", "SECRET=1")
    [told], ears = await said(home, "/try", allow=False)
    assert "A (not run: the user said no) B (not run: bash " in told
    assert "SECRET" not in told and "(not read: the user said no)" in told
    assert not (home / "project/made").exists()
    assert [note["ran"] for note in ears.noted] == [False, False]


async def test_a_project_that_is_not_trusted_runs_nothing_and_replaces_nothing(home: Path) -> None:
    mine = home / "project/.mimocode/commands"
    put(mine / "evil.md", "Hi !`touch made`")
    put(mine / "commit.md", "Something else.")
    put(mine / "plain.md", "---", "agent: plan", "model: evil/model", "---", "Only words: $ARGUMENTS")
    told, ears = await said(home, "/evil", "/plain x", trusted=False)
    assert told == ["user: Only words: x"]
    assert ears.agents == []
    assert any("not trusted" in line for line in ears.heard)
    assert any("/commit is there already, and an untrusted project replaces nothing" in line for line in ears.heard)
    assert not (home / "project/made").exists()
    told, _ = await said(home, "/evil", trusted=True)
    assert told == ["user: Hi (no output)"]
    assert (home / "project/made").exists()


async def test_another_agent_has_the_word_for_one_turn(home: Path) -> None:
    put(home / ".config/mimocode/commands/think.md", "---", "agent: plan", "---", "Think.")
    told, ears = await said(home, "/think", "and now?")
    assert told == ["user: Think.", "user: and now?"]
    assert ears.agents == ["plan", "build"]


async def test_a_subtask_without_subagents_says_so_and_is_done_here(home: Path) -> None:
    put(home / ".config/mimocode/commands/find.md", "---", "agent: explore", "---", "Find it.")
    [told], ears = await said(home, "/find")
    assert (told, ears.agents) == ("user: Find it.", [])
    assert ears.heard == ["/find is meant for a subagent; there are none here, so it is done in this conversation."]


async def test_a_subtask_is_handed_to_the_tool_that_starts_subagents(home: Path) -> None:
    put(home / ".config/mimocode/commands/find.md", "---", "agent: explore", "---", "Find it.")

    class Actors:
        @hookimpl
        async def tool_servers(self) -> list[Any]:
            from mcp.server.mcpserver import MCPServer

            server = MCPServer("actors")

            @server.tool(structured_output=False)
            async def actor(task: str) -> str:
                """Start one."""
                return task

            return [server]

    async with play("ok", "ok", plugins=[workspace, agents, commands, Actors()], directory=home / "project") as session:
        await session.submit(Say("hi"))
        await session.settled()
        await session.submit(Say("/find"))
        await session.settled()
        assert 'subagent of type "explore"' in talk(session)[2] and "<task>\nFind it.\n</task>" in talk(session)[2]


async def test_plugins_win_over_files_and_later_files_over_earlier(home: Path) -> None:
    class Goal:
        @hookimpl
        async def register_commands(self) -> list[Command]:
            async def run(arguments: str, session: object) -> str:
                return "From the plugin."

            return [Command("goal", "Plugin", run)]

    put(home / ".config/mimocode/commands/goal.md", "A file.")
    put(home / ".claude/commands/team/standup.md", "Theirs.")
    put(home / ".config/mimocode/command/team/standup.md", "Mine.")
    for plugins in ([workspace, commands, Goal()], [workspace, Goal(), commands]):
        found = await Host(plugins, directory=home / "project", external=False).commands()
        assert found["goal"].summary == "Plugin"
        assert {
            "team:standup",
            "team/standup",
            "init",
            "review",
            "commit",
            "explain",
            "test",
        } <= set(found)


def test_the_command_line(cli: Cli) -> None:
    made = cli("command", "new", "changelog", "--description", "Adds a line")
    file = cli.project / ".mimocode/commands/changelog.md"
    assert (made.code, made.out) == (0, f"{file}\n"), made.err
    file.write_text("---\ndescription: Adds a line\n---\nAdd $ARGUMENTS.\n")
    assert "Add $ARGUMENTS." in cli("command", "show", "/changelog").out
    listed = {row["name"]: row for row in json.loads(cli("command", "list", "--format", "json").out)}
    assert (listed["changelog"]["source"], listed["changelog"]["summary"]) == (str(file), "Adds a line")
    assert listed["compose:tdd"]["source"] == "plugin or skill"
    assert "there is no such command" in cli("command", "show", "nothing").err
