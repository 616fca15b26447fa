"""The agents as they ship, and what a newcomer makes by following only the README files."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from mimocode import Say, ToolCall
from mimocode.events import ChooseAgent
from mimocode.host import Host
from mimocode.testing import Script, Stage, play, talk
from mimocode_plugins.context import prompt
from mimocode_plugins.crew import actors, agents, commands, compose, skills, tasks, workflows
from mimocode_plugins.guard import permission
from mimocode_plugins.store import workspace
from mimocode_plugins.tools import files, patch, search, shell
from support.cli import ROOT, Cli
from support.job import Log, dumped

CREW = [workspace, prompt, agents, commands, skills, tasks, compose, permission, files, patch, search, shell]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MIMOCODE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MIMOCODE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    (tmp_path / "project/a.py").write_text("a = 1\n")
    return tmp_path


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(f"{name} {arguments}", name, arguments)


PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-a = 1\n+a = 2\n*** End Patch"
ATTEMPTS = [
    call("write", file_path="b.py", content="b"),
    call("edit", file_path="a.py", old_string="a = 1", new_string="a = 2"),
    call("multiedit", file_path="a.py", edits=[{"old_string": "a = 1", "new_string": "a = 2"}]),
    call("apply_patch", patch_text=PATCH),
    call("write", file_path=".mimocode/plans/../../b.py", content="b"),
    call("bash", command="echo b > b.py"),
    call("bash", command="sed -i s/1/2/ a.py"),
    call("bash", command="cp a.py b.py"),
    call("bash", command="python3 -c \"open('b.py', 'w')\""),
    call("bash", command="ls; if true; then touch b.py; fi"),
    call("bash", command="git init"),
    call("bash", command="find . -name a.py -delete"),
]
"""Ways to change a project, one for each tool that can, and several for the shell."""
LOOKING = [
    call("read", file_path="a.py"),
    call("grep", pattern="a"),
    call("glob", pattern="*.py"),
    call("bash", command="cat a.py"),
]


@pytest.mark.parametrize("agent", ["plan", "explore", "reviewer"])
async def test_who_only_looks_changes_nothing_by_any_tool(agent: str, home: Path) -> None:
    lines: list[Any] = [[each] for each in (*ATTEMPTS, *LOOKING)]
    async with play(*lines, "ok", plugins=CREW, directory=home / "project", yolo=True) as session:
        session.host.trusted = True
        session.agent = await session.host.agent(agent)
        await session.submit(Say("go"))
        await session.settled()
        said = [line.removeprefix("tool: ") for line in talk(session) if line.startswith("tool: ")]
    assert [line.startswith("Denied") for line in said] == [True] * len(ATTEMPTS) + [False] * len(LOOKING), said
    assert {path.name: path.read_text() for path in sorted((home / "project").rglob("*")) if path.is_file()} == {
        "a.py": "a = 1\n"
    }


async def test_what_a_planner_lets_others_do_changes_nothing_either(home: Path) -> None:
    """Subagents and workflows of an agent that only looks cannot do what it must not do itself."""
    script = "def run(args):\n    return agent('work on it', agent='coder')\n"
    ways = [call("actor", action="run", subagent_type="coder", prompt="work on it")]
    ways.append(call("workflow", action="run", script=script))
    done = "Status: blocked\nSummary: refused\nIt was refused."
    lines: list[Any] = []
    for way in ways:
        lines += [[way], *[[attempt] for attempt in ATTEMPTS], done]
    lines.append("Nothing came of it.")
    plugins = [*CREW, actors, workflows]
    async with play(*lines, plugins=plugins, directory=home / "project", store=_memory()) as session:
        await session.submit(ChooseAgent("plan"))
        await session.submit(Say("try"))
        await asyncio.wait_for(session.settled(), 60)
        assert session.last_words() == "Nothing came of it.", talk(session)
        assert [note["state"] for note in session.state.notes["actors"] if note["op"] == "ended"] == ["blocked"] * 2
    assert [path.name for path in (home / "project").iterdir() if path.is_file()] == ["a.py"]
    assert (home / "project/a.py").read_text() == "a = 1\n"


async def test_the_planner_writes_its_plan_and_the_builder_everything(home: Path) -> None:
    plan = call("write", file_path=".mimocode/plans/one.md", content="plan")
    async with play([plan], "ok", [ATTEMPTS[0]], "ok", plugins=CREW, directory=home / "project") as session:
        await session.submit(ChooseAgent("plan"))
        await session.submit(Say("plan it"))
        await session.settled()
        await session.submit(ChooseAgent("build"))
        await session.submit(Say("build it"))
        await session.settled()
    assert (home / "project/.mimocode/plans/one.md").read_text() == "plan"
    assert (home / "project/b.py").read_text() == "b"


async def test_who_has_no_tools_gets_none(home: Path) -> None:
    async with play("ok", plugins=CREW, directory=home / "project") as session:
        for name in ("title", "judge"):
            assert session.toolbox.offered(await session.host.agent(name)) == ()
        verifier = {spec.name for spec in session.toolbox.offered(await session.host.agent("explore"))}
        assert verifier == {"read", "grep", "glob", "bash"}


async def test_changing_the_agent_leaves_what_was_sent_as_it_was(home: Path) -> None:
    """Tab costs nothing: each request begins with the one before, and the tools stay the same."""
    script = Script("one", "two", "three", "four")
    host = Host([Stage(script, _memory(), None, True), *CREW], directory=home / "project", external=False)
    async with host.open(model=script.ref) as session:
        for agent in ("build", "plan", "compose", "build"):
            await session.submit(ChooseAgent(agent))
            await session.submit(Say(f"as {agent}"))
            await session.settled()
    host.close()
    assert len(script.seen) == 4
    first = script.seen[0]
    sent = [list(each.messages) for each in script.seen]
    for before, after in itertools.pairwise(sent):
        assert after[: len(before)] == before
    assert all(each.system is first.system and each.tools is first.tools for each in script.seen)
    told = [message.text for message in sent[-1] if message.origin == "prompt"]
    assert ["You plan; you do not carry out" in text for text in told] == [True, False, False]
    assert "You carry a request all the way" in told[1]
    assert 'the agent "build", without special instructions' in told[2]


def _memory() -> Any:
    from mimocode.testing import MemoryStore

    return MemoryStore()


def readme(kind: str) -> tuple[list[str], str]:
    """The command line that a README shows first, without `mimo`, and the file that it shows after it."""
    text = (ROOT / kind / "README.md").read_text("utf-8")
    [line] = re.findall(r"```sh\nmimo (.*)\n```", text)
    [body] = re.findall(r"```markdown\n(.*?)```", text, re.DOTALL)
    return shlex.split(line), body


def test_an_agent_made_by_the_readme_works_at_the_first_try(cli: Cli) -> None:
    line, body = readme("agents")
    made = cli(*line)
    file = Path(made.out.strip())
    assert (made.code, cli("agent", "validate", "docs-writer").code) == (0, 0)
    file.write_text(body)
    assert cli("agent", "validate", "docs-writer").code == 0
    steps = [
        {"calls": [{"name": "write", "arguments": {"file_path": "a.py", "content": "a"}}]},
        {"calls": [{"name": "write", "arguments": {"file_path": "docs/a.md", "content": "a"}}]},
        {"text": "Done."},
    ]
    done = cli("run", "--trust", "--agent", "docs-writer", "--yolo", "-m", cli.scenario(steps), "write it")
    assert (done.code, done.out) == (0, "Done.\n"), done.err
    assert (cli.project / "docs/a.md").exists() and not (cli.project / "a.py").exists()
    assert "look after the documentation" in " ".join(Log.of(cli).said("user"))


def test_a_skill_made_by_the_readme_works_at_the_first_try(cli: Cli) -> None:
    line, body = readme("skills")
    file = Path(cli(*line).out.strip())
    assert cli("skill", "validate", "release-notes").out == "nothing to complain about\n"
    file.write_text(body)
    assert cli("skill", "validate", "release-notes").out == "nothing to complain about\n"
    steps = [{"calls": [{"name": "skill", "arguments": {"name": "release-notes"}}]}, {"text": "Done."}]
    done = cli("run", "--trust", "-m", cli.scenario(steps), "write the notes")
    assert (done.code, done.out) == (0, "Done.\n"), done.err
    log = Log.of(cli)
    assert "git log --oneline <last tag>..HEAD" in log.kinds("call.finished")[0]["content"][0]["text"]
    assert "- release-notes: Writes release notes" in json.dumps(log.kinds("window.opened"))
    started = cli("run", "--trust", "-m", cli.scenario([{"text": "Done."}]), "/release-notes for 1.2")
    assert started.code == 0, started.err
    assert "Arguments: for 1.2" in Log.of(cli).said("user")[-1]


def test_a_command_made_by_the_readme_works_at_the_first_try(cli: Cli) -> None:
    line, body = readme("commands")
    file = Path(cli(*line).out.strip())
    file.write_text(body)
    (cli.project / "CHANGELOG.md").write_text("- an older line\n")
    words = [
        "run",
        "--trust",
        "--yolo",
        "-m",
        cli.scenario([{"text": "Done."}]),
        "--command",
        "changelog",
        "faster start",
    ]
    done = cli(*words)
    assert (done.code, done.out) == (0, "Done.\n"), done.err
    told = Log.of(cli).said("user")[-1]
    assert 'Add a line about "faster start" to CHANGELOG.md' in told and told.endswith("- an older line")
    untrusted = cli(*[word for word in words if word != "--trust"])
    assert "comes with a project that you have not trusted" in untrusted.err


def test_a_newcomer_makes_one_of_each_by_the_readme_and_all_work_at_the_first_try(cli: Cli) -> None:
    text = (ROOT / "README.md").read_text("utf-8").partition("## Make it yours")[2]
    [block] = re.findall(r"```sh\n(.*?)```", text.partition("\n## ")[0], re.DOTALL)
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    made, [trust, *used] = lines[:4], lines[4:]
    assert [line[1] for line in made] == ["skill", "agent", "command", "workflow"]
    cli.settings(model=cli.scenario([{"text": "Status: done\nSummary: fine\nHere it is."}]))
    for line in made:
        done = cli(*line[1:])
        assert (done.code, Path(done.out.strip()).is_file()) == (0, True), done.err
    assert cli(*trust[1:]).code == 0
    told = []
    for line in used:
        done = cli(*line[1:])
        assert (done.code, "Here it is." in done.out) == (0, True), done.err
        told.append(dumped([fact["message"] for fact in Log.of(cli).kinds("message.added")]))
    assert '<skill name=\\"release-notes\\"' in told[0] and "for version 1.2" in told[0]
    assert 'work as the agent \\"docs-writer\\"' in told[1]
    assert "faster start" in told[2]
    assert [agent["state"] for agent in json.loads(cli("agents", "--json").out)] == ["done"] * 3
