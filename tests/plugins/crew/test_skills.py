"""Skills are found, offered, brought in, and never give more than words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode import Agent, Say, ToolCall, hookimpl
from mimocode.errors import SettingsError
from mimocode.events import Notice
from mimocode.host import Host
from mimocode.testing import play, talk
from mimocode_plugins.crew import commands, skills
from mimocode_plugins.crew.assets import root
from mimocode_plugins.crew.skills import catalogue, finding, slash
from mimocode_plugins.crew.skills.reading import Skill, problems, read
from mimocode_plugins.crew.skills.server import build
from mimocode_plugins.crew.skills.shelf import shelf
from mimocode_plugins.guard import permission
from mimocode_plugins.store import workspace
from mimocode_plugins.tools import files, shell
from support.catalogues import catalogue as listed
from support.cli import Cli


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MIMOCODE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MIMOCODE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MIMOCODE_DISABLE_BUILTIN_SKILLS", "1")
    (tmp_path / "project/.git").mkdir(parents=True)
    return tmp_path


class Root:
    @hookimpl
    def find_root(self, directory: Path) -> Path:
        return directory


def put(folder: Path, name: str, description: str = "Does it.", body: str = "Do it.", **meta: Any) -> Path:
    """A skill."""
    path = folder / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    lines = [f"{key.replace('_', '-')}: {json.dumps(value)}" for key, value in meta.items()]
    path.write_text("\n".join(["---", f"name: {name}", f"description: {description}", *lines, "---", body, ""]))
    return path


def host(home: Path, *, trusted: bool = True) -> Host:
    return Host([workspace, skills, Root()], directory=home / "project", external=False, trusted=trusted)


class Ears:
    """Keeps what the user is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    async def on_event(self, event: object) -> None:
        if isinstance(event, Notice):
            self.heard.append(event.text)


async def said(
    home: Path, *steps: Any, text: str = "go", trusted: bool = True, agent: Agent | None = None
) -> list[str]:
    """A conversation with skills, files, a shell and the guard."""
    plugins = [workspace, skills, commands, permission, files, shell]
    async with play(*steps, "ok", plugins=plugins, directory=home / "project", agent=agent, yolo=True) as session:
        session.host.trusted = trusted
        await session.submit(Say(text))
        await session.settled()
        return talk(session)


def test_later_folders_hide_earlier_ones_and_say_so(home: Path) -> None:
    places = [
        home / ".agents/skills",
        home / "project/.agents/skills",
        home / ".config/mimocode/skills",
        home / ".mimocode/skill",
        home / "project/.mimocode/skills",
    ]
    paths = [put(place, "same", f"From {number}.") for number, place in enumerate(places)]
    put(home / ".claude/skills", "foreign")
    found = shelf(host(home))
    assert list(found.skills) == ["same"]
    assert found.skills["same"].description == "From 4."
    assert found.skills["same"].replaces == tuple(map(str, paths[3::-1]))


def test_other_products_folders_are_opened_by_a_switch(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / ".claude/skills", "theirs")
    put(home / ".agents/skills", "common")
    assert list(shelf(host(home)).skills) == ["common"]
    monkeypatch.setenv("MIMOCODE_ENABLE_CLAUDE_CODE_SKILLS", "true")
    assert sorted(shelf(host(home)).skills) == ["common", "theirs"]
    monkeypatch.setenv("MIMOCODE_DISABLE_CLAUDE_CODE_SKILLS", "1")
    assert list(shelf(host(home)).skills) == ["common"]
    monkeypatch.setenv("MIMOCODE_DISABLE_EXTERNAL_SKILLS", "1")
    assert list(shelf(host(home)).skills) == []


def test_the_environment_leaves_skills_out(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(home / ".mimocode/skills", "plain")
    monkeypatch.delenv("MIMOCODE_DISABLE_BUILTIN_SKILLS")
    assert {"plain", "compose:plan"} <= shelf(host(home)).skills.keys()
    monkeypatch.setenv("MIMOCODE_DISABLE_COMPOSE_SKILLS", "1")
    names = shelf(host(home)).skills.keys()
    assert "plain" in names and not [name for name in names if name.startswith("compose:")]
    assert "plain" in [command.name for command in slash.commands(host(home))]
    monkeypatch.setenv("MIMOCODE_DISABLE_SLASH_SKILLS", "1")
    assert [command.name for command in slash.commands(host(home))] == ["skills"]


def test_a_skill_that_changes_is_read_again(home: Path) -> None:
    path = put(home / ".config/mimocode/skills", "mine", "Old.")
    here = host(home)
    first = shelf(here)
    assert shelf(here) is first
    path.write_text(path.read_text().replace("Old.", "Newer."))
    import os

    os.utime(path, ns=(1, 1))
    assert shelf(here).skills["mine"].description == "Newer."


def test_a_project_that_is_not_trusted_is_not_read(home: Path) -> None:
    path = put(home / "project/.mimocode/skills", "theirs")
    found = shelf(host(home, trusted=False))
    assert (found.skills, found.waiting) == ({}, [path])
    assert found.unsaid() == ["skills of this project wait until you trust it: theirs"]
    assert found.unsaid() == []


@pytest.mark.parametrize(
    "command",
    [
        "sh .mimocode/skills/x/run.sh",
        "./.agents/skills/x/run.sh",
        "cd .claude && sh skills/x/run.sh",
        "cd .mimocode; sh 'skill's/x/run.sh",
        "python -c 'import os' ; bash $PWD/.mimocode/skills/x/run.sh",
        'X=".mimocode/skills/x"; sh "$X/run.sh"',
    ],
)
async def test_scripts_of_a_project_that_is_not_trusted_do_not_run(home: Path, command: str) -> None:
    path = put(home / "project/.mimocode/skills", "x")
    (path.parent / "run.sh").write_text("touch ../../../../ran\n")
    (home / "project/.mimocode/skills/x/run.sh").chmod(0o755)
    talked = await said(home, [ToolCall("1", "bash", {"command": command})], trusted=False)
    assert talked[2].startswith("tool: Denied: ") and "has not trusted" in talked[2]
    talked = await said(
        home, [ToolCall("1", "bash", {"command": "sh run.sh", "workdir": ".mimocode/skills/x"})], trusted=False
    )
    assert talked[2].startswith("tool: Denied: ")


async def test_they_run_once_the_project_is_trusted_and_other_commands_always(home: Path) -> None:
    path = put(home / "project/.mimocode/skills", "x")
    (path.parent / "run.sh").write_text("echo ran\n")
    talked = await said(home, [ToolCall("1", "bash", {"command": "sh .mimocode/skills/x/run.sh"})])
    assert talked[2] == "tool: ran"
    talked = await said(home, [ToolCall("1", "bash", {"command": "echo skills"})], trusted=False)
    assert talked[2] == "tool: skills"


async def test_the_agent_loads_one_or_several_and_their_files(home: Path) -> None:
    mine = home / ".config/mimocode/skills"
    path = put(mine, "one", body="First.", aliases=["uno"])
    (path.parent / "references").mkdir()
    (path.parent / "references/a.md").write_text("Details.")
    put(mine, "two", body="Second.")
    (home / "secret.md").write_text("secret")
    talked = await said(
        home,
        [ToolCall("1", "skill", {"name": ["uno", "two"]})],
        [ToolCall("2", "skill", {"name": "one", "file": "references/a.md"})],
        [ToolCall("3", "skill", {"name": "one", "file": "../../../../secret.md"})],
        [ToolCall("4", "skill", {"name": "too"})],
    )
    head, tail = (
        f'<skill name="one" folder="{path.parent}">',
        "Files (read with the tool skill and `file`): references/a.md",
    )
    assert talked[2] == (
        f'tool: {head}\nFirst.\n\n{tail}\n</skill>\n\n<skill name="two" folder="{mine / "two"}">\nSecond.\n</skill>'
    )
    assert talked[4] == "tool: Details."
    assert talked[6] == "tool: one has no file '../../../../secret.md'; it has: references/a.md."
    assert talked[8] == "tool: There is no skill 'too'; there are: two."


async def test_what_a_rule_denies_is_neither_listed_nor_loaded_nor_started(home: Path) -> None:
    mine = home / ".config/mimocode/skills"
    put(mine, "open")
    put(mine, "internal-plans", aliases=["plans"])
    agent = Agent("x", options={"permission": {"skill": {"*": "allow", "internal-*": "deny"}}})
    plugins = [workspace, skills, commands, permission]
    calls = [ToolCall(str(n), "skill", {"name": name}) for n, name in enumerate(("internal-plans", "plans"))]
    async with play(calls, "ok", plugins=plugins, directory=home / "project", agent=agent) as session:
        await session.submit(Say("go"))
        await session.settled()
        [part] = [part for part in session.state.window.system if part.source == "skills"]  # type: ignore[union-attr]
        assert "- open: Does it." in part.text and "internal" not in part.text
        assert [line.split(":")[1] for line in talk(session)[2:4]] == [
            " Denied",
            " The skill internal-plans may not be used",
        ]
    assert await said(home, text="/internal-plans now", agent=agent) == []


async def test_compose_skills_are_for_the_agent_that_may_use_them(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIMOCODE_DISABLE_BUILTIN_SKILLS")
    call = [ToolCall("1", "skill", {"name": "compose:tdd"})]
    assert (await said(home, call))[2].startswith('tool: Denied: skill "compose:tdd" is denied')
    composer = Agent("c", options={"permission": {"skill": {"compose:*": "allow"}}})
    assert "# Test first" in (await said(home, call, agent=composer))[2]


async def test_the_user_starts_skills_with_a_slash_several_at_once(home: Path) -> None:
    mine = home / ".config/mimocode/skills"
    put(mine, "fix", body="Fix $ARGUMENTS.")
    put(mine, "note", body="Note it.", disable_model_invocation=True, aliases=["jot", "fix"])
    put(mine, "inner", user_invocable=False)
    [told, _] = await said(home, text="/fix the login")
    assert "Fix the login." in told
    assert "Note it." in (await said(home, text="/jot the login"))[0], "by another name, too"
    assert [command.name for command in slash.commands(host(home))] == ["skills", "fix", "jot", "note"]
    [told, _] = await said(home, text="/note /fix the door /x")
    assert told.index("Note it.") < told.index("Fix .") < told.index("the door /x")
    assert (await said(home, text="/inner x"))[0] == "user: /inner x"
    talked = await said(home, [ToolCall("1", "skill", {"name": "note"})])
    assert talked[2] == "tool: The skill note is only started by the user, with /note."


async def test_commands_are_not_hidden_by_skills(home: Path) -> None:
    mine = home / ".config/mimocode"
    put(mine / "skills", "commit", "A skill.")
    put(mine / "skills", "daily", "A skill.")
    (mine / "commands").mkdir()
    (mine / "commands/daily.md").write_text("The command.\n")
    here = Host([workspace, commands, skills, Root()], directory=home / "project", external=False)
    found = await here.commands()
    assert found["daily"].summary == "The command."
    assert found["commit"].summary != "A skill."


async def test_what_is_malformed_is_named_once_and_skipped(home: Path) -> None:
    mine = home / ".config/mimocode/skills"
    put(mine, "good")
    (mine / "bad").mkdir()
    (mine / "bad/SKILL.md").write_text("---\nname: bad\n---\nx\n")
    ears = Ears()
    async with play("ok", plugins=[workspace, skills, ears], directory=home / "project") as session:
        await session.submit(Say("hi"))
        await session.settled()
        assert list(shelf(session.host).skills) == ["good"]
    path = mine / "bad/SKILL.md"
    assert ears.heard == [
        f"{path}: a skill needs a description: one that says what it is for and when to use it (left out)"
    ]


def some(count: int, width: int = 300) -> list[Skill]:
    """So many skills with descriptions of this width."""
    return [Skill(f"s{n:04}", "x" * width, Path("s"), "b", "user", {}) for n in range(count)]


@given(st.integers(0, 400), st.integers(0, 1000))
def test_the_catalogue_stays_within_its_budget_and_says_what_it_leaves_out(count: int, width: int) -> None:
    text = catalogue.catalogue(some(count, width))
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(text) <= catalogue.BUDGET + 400
    if len(lines) < count:
        assert text.splitlines()[-1] == f"{count - len(lines)} more are not listed; skill_search finds them."
    else:
        assert "not listed" not in text


def test_no_skills_no_words() -> None:
    assert catalogue.catalogue([]) == ""


def test_search_finds_by_name_and_by_words() -> None:
    texts = {
        "pdf": "Fill in and merge PDF forms.",
        "release": "Write release notes.",
        "tables": "Work with spreadsheets.",
    }
    skills_ = [Skill(name, text, Path(name), "b", "user", {}) for name, text in texts.items()]
    assert [s.name for s in finding.find("merging forms", skills_)] == ["pdf"]
    assert [s.name for s in finding.find("tables", skills_)] == ["tables"]
    assert finding.find("the of and", skills_) == []


async def test_the_catalogue_file_is_the_live_server() -> None:
    file = Path(str(skills.__file__)).with_name("catalogue.json")
    assert file.read_text("utf-8") == await listed(build(None))


COMPOSE = (
    "ask brainstorm debug execute feedback merge new-skill parallel plan report review subagent tdd verify worktree"
)


def test_the_compose_set_is_whole_valid_and_has_gates() -> None:
    shipped = [read(path, "shipped") for path in sorted(root("skills").glob("compose/*/SKILL.md"))]
    assert [skill.name for skill in shipped] == [f"compose:{name}" for name in COMPOSE.split()]
    assert [line for skill in shipped for line in problems(skill)] == []
    assert all("\n## Gate" in skill.body or "**Gate" in skill.body for skill in shipped)
    assert all("Use it" in skill.description for skill in shipped)
    known = {skill.name for skill in shipped}
    import re

    named = {name for skill in shipped for name in re.findall(r"compose:[a-z-]+", skill.body)}
    assert named <= known


def test_the_command_line(cli: Cli) -> None:
    made = cli("skill", "new", "notes", "--description", "Writes: notes.", "--global")
    file = cli.home / ".config/mimocode/skills/notes/SKILL.md"
    assert (made.code, made.out) == (0, f"{file}\n"), made.err
    assert cli("skill", "validate", "notes").out == "nothing to complain about\n"
    again = cli("skill", "new", "notes", "--global")
    assert (again.code != 0, "is there already" in again.err) == (True, True)
    shown = cli("skill", "show", "notes")
    assert "Writes: notes." in shown.out and "## When it is done" in shown.out
    listed_ = {row["name"]: row["source"] for row in json.loads(cli("skill", "list", "--format", "json").out)}
    assert (listed_["notes"], listed_["compose:tdd"]) == ("user", "shipped")
    file.write_text("---\nname: Notes!\n---\n")
    wrong = cli("skill", "validate", "notes")
    assert (wrong.code, "a skill needs a description" in wrong.out) == (1, True)
    assert "cannot be a name" in cli("skill", "new", "Bad Name").err


def test_links_of_an_untrusted_project_that_lead_elsewhere_are_not_walked(home: Path) -> None:
    put(home / "elsewhere/deep", "theirs")
    put(home / "project/.mimocode/skills", "own")
    (home / "project/.mimocode/skills/all").symlink_to(home / "elsewhere")
    assert [path.parent.name for path in shelf(host(home, trusted=False)).waiting] == ["own"]
    assert sorted(shelf(host(home)).skills) == ["own", "theirs"]


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("name: x\nDescription: y", 'write "description", not "Description"'),
        ("name: x\ndescription: 2026-01-01", "description is 2026-01-01: it must be text; put it into quotes"),
        ("name: x\ndescription: [a, b]", "description is ['a', 'b']: it must be text; put it into quotes"),
        ("name: yes\ndescription: y", "name is read as True: put it into quotes"),
    ],
)
def test_a_mistake_in_the_front_matter_is_named_as_what_it_is(head: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "SKILL.md"
    file.write_text(f"---\n{head}\n---\nDo it.")
    with pytest.raises(SettingsError, match=re.escape(why)):
        read(file, "user")


def test_a_number_is_a_name_and_a_description_cannot_command_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "SKILL.md"
    file.write_text('---\nname: 42\ndescription: "a\\e[31mred"\n---\nDo it.')
    skill = read(file, "user")
    assert (skill.name, skill.description) == ("42", "a [31mred")


def test_a_file_that_is_nearly_a_skill_is_one_or_is_named(home: Path) -> None:
    own = home / "project/.mimocode/skills"
    put(own, "small").rename(own / "small/skill.md")
    (own / "flat.md").write_text("---\ndescription: d\n---\nDo it.")
    (own / "NOTICE.md").write_text("Thanks to all.")
    found = shelf(host(home))
    assert list(found.skills) == ["small"]
    assert list(problems(found.skills["small"])) == ["the file is called skill.md; other products need SKILL.md"]
    assert found.problems == [f"{own}/flat.md: a skill is a folder: move this to flat/SKILL.md (left out)"]


def brought(line: str) -> list[str]:
    """The skills whose text came along with a message."""
    return re.findall(r'^<skill name="([^"]+)"', line, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "come"),
    [
        ("Use one-skill, then two-skill.", ["one-skill", "two-skill"]),
        ("First /plain and /one-skill, please", ["plain", "one-skill"]),
        ("two-skill before one-skill and again two-skill", ["two-skill", "one-skill"]),
        ("one-skill, two-skill, /plain and four-skill", ["one-skill", "two-skill", "plain"]),
        ("Only one-skill here", []),
        ("A plain word is no name, one-skill is", []),
        ("Read docs/one-skill/a.md and two-skill.md", []),
        ("`one-skill` and\n```\ntwo-skill\n```", []),
        ("one-skill and users-only, which the agent may not load", []),
        ("one-skill and forbidden-one", []),
        ("mail me@one-skill, not to-two-skill", []),
    ],
)
async def test_two_skills_that_are_mentioned_come_along(home: Path, text: str, come: list[str]) -> None:
    for name in ("one-skill", "two-skill", "four-skill", "plain", "forbidden-one"):
        put(home / "project/.mimocode/skills", name)
    put(home / "project/.mimocode/skills", "users-only", disable_model_invocation=True)
    agent = Agent("build", options={"permission": {"skill": {"*": "allow", "forbidden-*": "deny"}}})
    line = (await said(home, text=text, agent=agent))[0]
    assert line.startswith(f"user: {text}")
    assert (brought(line), "<skills>" in line) == (come, bool(come))


async def test_what_comes_along_has_an_order_and_comes_once(home: Path) -> None:
    for name in ("one-skill", "two-skill", "four-skill", "five-skill"):
        put(home / ".config/mimocode/skills", name, f"For {name}.")
    ears, plugins = Ears(), [workspace, skills, commands, permission]
    async with play("ok", "ok", plugins=[*plugins, ears], directory=home / "project") as session:
        for text in ("two-skill, five-skill, one-skill, four-skill", "again two-skill and five-skill"):
            await session.submit(Say(text))
            await session.settled()
        first, second = (line for line in talk(session) if line.startswith("user: "))
    assert re.findall(r"^\d\..*", first, re.MULTILINE) == [
        "1. two-skill: For two-skill.",
        "2. five-skill: For five-skill.",
        "3. one-skill: For one-skill.",
        "4. four-skill: For four-skill.",
    ]
    assert ears.heard == ["brought along: two-skill, five-skill, one-skill"]
    assert second == "user: again two-skill and five-skill"


@pytest.mark.parametrize("why", ["switched off", "not trusted"])
async def test_mentions_bring_nothing_along(home: Path, why: str) -> None:
    for name in ("one-skill", "two-skill"):
        put(home / "project/.mimocode/skills", name)
    if why == "switched off":
        (home / ".config/mimocode").mkdir(parents=True)
        (home / ".config/mimocode/mimocode.json").write_text('{"skills": {"mentions": false}}')
    line = (await said(home, text="one-skill and two-skill", trusted=why != "not trusted"))[0]
    assert line == "user: one-skill and two-skill"
