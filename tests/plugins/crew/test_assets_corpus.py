"""Files as people write them for Claude Code, OpenCode, the Agent Skills standard and for us, each with its outcome.

`corpus/expected.json` says for each file what comes out of it, or (`error`) why it is left out.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from mimocode.errors import SettingsError
from mimocode.host import Host
from mimocode_plugins.crew import agents, commands, skills
from mimocode_plugins.crew.agents.sources import complaints
from mimocode_plugins.crew.commands.sources import templates
from mimocode_plugins.crew.skills.reading import problems, read
from mimocode_plugins.store import workspace

CORPUS = Path(__file__).with_name("corpus")
EXPECTED: dict[str, dict[str, dict[str, Any]]] = json.loads((CORPUS / "expected.json").read_text("utf-8"))


def cases(kind: str) -> list[Any]:
    """(name, what is expected) of one kind."""
    return [pytest.param(name, expected, id=name) for name, expected in EXPECTED[kind].items()]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A user with nothing of their own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("MIMOCODE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "MIMOCODE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "project").mkdir()
    return Host([workspace, agents, commands, skills], directory=tmp_path / "project", external=False, trusted=True)


def put(kind: str, name: str, target: Path) -> Path:
    """A file of the corpus, where it would lie."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(CORPUS / kind / f"{name}.md", target)
    return target


def test_there_are_enough_and_each_has_its_outcome() -> None:
    files = {f"{path.parent.name}/{path.stem}" for path in CORPUS.rglob("*.md")}
    assert files == {f"{kind}/{name}" for kind, names in EXPECTED.items() for name in names}
    malformed = [name for names in EXPECTED.values() for name, expected in names.items() if "error" in expected]
    assert (len(files) >= 60, len(malformed) >= 15) == (True, True), (len(files), len(malformed))


@pytest.mark.parametrize(("name", "expected"), cases("agents"))
async def test_agents(name: str, expected: dict[str, Any], host: Host, tmp_path: Path) -> None:
    folder = ".claude/agents" if name.startswith("claude-") else ".config/mimocode/agents"
    file = put("agents", name, tmp_path / folder / f"{name}.md")
    found = await host.agents()
    said = [line for line in complaints(host) if str(file) in line]
    agent = found.get(expected.get("name", name))
    if "error" in expected or "gone" in expected:
        assert agent is None
        assert [expected["error"] in line for line in said] == [True] if "error" in expected else said == [], said
        return
    assert agent is not None
    assert [expected["warns"] in line for line in said] == [True] if "warns" in expected else said == [], said
    options = {key: value for key, value in agent.options.items() if key != "permission"}
    assert {
        "options": options,
        "permission": agent.options.get("permission", {}),
        "tools": dict(agent.tools),
    } | {key: getattr(agent, key) for key in expected.keys() - {"options", "permission", "tools", "warns"}} == {
        "options": {},
        "permission": agent.options.get("permission", {}),
        "tools": dict(agent.tools),
    } | {key: value for key, value in expected.items() if key != "warns"}


@pytest.mark.parametrize(("name", "expected"), cases("skills"))
def test_skills(name: str, expected: dict[str, Any], tmp_path: Path) -> None:
    file = put("skills", name, tmp_path / name / "SKILL.md")
    if "error" in expected:
        with pytest.raises(SettingsError) as raised:
            read(file, "user")
        assert expected["error"] in str(raised.value) and str(file) in str(raised.value)
        return
    skill = read(file, "user")
    seen = {key: getattr(skill, key) for key in expected if key != "problems"}
    seen |= {"aliases": list(skill.aliases)} if "aliases" in expected else {}
    assert seen | {"problems": list(problems(skill))} == expected


@pytest.mark.parametrize(("name", "expected"), cases("commands"))
def test_commands(name: str, expected: dict[str, Any], host: Host, tmp_path: Path) -> None:
    file = put("commands", name, tmp_path / ".config/mimocode/commands" / f"{name}.md")
    result = templates(host)
    said = [line for line in result.problems if str(file) in line]
    if "error" in expected:
        assert name not in result.found
        assert [expected["error"] in line for line in said] == [True], said
        return
    assert [expected["warns"] in line for line in said] == [True] if "warns" in expected else said == [], said
    template = result.found[name]
    assert {key: getattr(template, key) for key in expected if key != "warns"} == {
        key: value for key, value in expected.items() if key != "warns"
    }


def test_one_bad_file_costs_only_itself(host: Host, tmp_path: Path) -> None:
    for name in EXPECTED["commands"]:
        put("commands", name, tmp_path / ".config/mimocode/commands" / f"{name}.md")
    good = {name for name, expected in EXPECTED["commands"].items() if "error" not in expected}
    assert good <= set(templates(host).found)
