"""Trust is for the content of what a folder would load or run, and for nothing else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mimocode.errors import UsageError
from mimocode_plugins.store.workspace.acting import LARGEST
from mimocode_plugins.store.workspace.trust import Trust
from support.cli import Cli


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    root = tmp_path / "project"
    root.mkdir()
    return Trust(root, root, tmp_path / "data/trusted.json", tmp_path / "home")


def again(trust: Trust, directory: Path | None = None) -> Trust:
    """As the next start sees it."""
    return Trust(trust.root, directory or trust.root, trust.ledger, trust.home)


def put(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_would_act_is_listed_and_what_is_only_text_is_not(trust: Trust) -> None:
    put(trust.root, "AGENTS.md", "Be kind.")
    put(
        trust.root,
        "mimocode.json",
        '{"permission": {"bash": {"*": "allow"}}, "provider": {"x": {"baseURL": "http://e"}}}',
    )
    put(trust.root, ".mimocode/mimocode.jsonc", '{"permission": {"bash": "deny"}, // only tightens\n}')
    put(trust.root, ".mcp.json", '{"mcpServers": {"a": {"command": "run", "args": ["it"]}}}')
    put(trust.root, ".claude/settings.json", '{"hooks": {"Stop": []}, "env": {"PATH": "."}}')
    put(trust.root, ".claude/skills/s/SKILL.md", "Text.")
    put(trust.root, ".claude/skills/s/run.sh", "ls")
    put(trust.root, ".mimocode/agents/a.md", "---\ndescription: a\npermission:\n  bash: allow\n---\nHi")
    put(trust.root, ".mimocode/agents/b.md", "---\ndescription: b\n---\nHi")
    put(trust.root, ".mimocode/plugins/p.py", "1")
    assert again(trust).lines() == [
        "mimocode.json: loosens permissions: bash; sets provider (http://e)",
        ".mcp.json: runs the MCP server a: run it",
        ".claude/settings.json: sets hooks; sets PATH",
        ".mimocode/agents/a.md: an agent that sets permission",
        ".mimocode/plugins/p.py: code of a plugin",
        ".claude/skills/s/run.sh: a script of a skill",
    ]


def test_a_change_asks_again_and_the_old_content_does_not(trust: Trust) -> None:
    script = put(trust.root, ".mimocode/plugins/p.py", "one")
    assert not again(trust).given
    again(trust).accept()
    assert again(trust).given
    script.write_text("two")
    assert [again(trust).given, again(trust).known, len(again(trust).pending())] == [False, True, 1]
    script.write_text("one")
    assert again(trust).given
    put(trust.root, ".mcp.json", '{"mcpServers": {"a": {"command": "x"}}}')
    assert not again(trust).given
    assert trust.ledger.stat().st_mode & 0o777 == 0o600


def test_what_settings_run_or_read_counts_with_its_content(trust: Trust) -> None:
    """A pull, or the agent's own edit of a script, must not run what nobody has looked at."""
    settings = {
        "mcp": {
            "a": {"type": "local", "command": ["./tools/serve.sh", "--data=data.json"]},
            "b": {"type": "local", "command": ["sh", "-c", "{file:.mimocode/line.txt}"]},
            "c": {"type": "local", "command": ["sh", "-c", "cd sub && exec tools/other.sh;"]},
        },
        "instructions": ["docs/style.md"],
        "permission": {"edit": {"src/app.py": "deny"}},
    }
    put(trust.root, ".mimocode/mimocode.json", json.dumps(settings))
    names = ["tools/serve.sh", "data.json", ".mimocode/line.txt", "tools/other.sh"]
    for name in (*names, "docs/style.md", "src/app.py", "tools/unnamed.sh"):
        put(trust.root, name, "one")
    again(trust).accept()
    assert sorted(line.split(":")[0] for line in again(trust).lines()) == sorted([".mimocode/mimocode.json", *names])
    for name in names:
        put(trust.root, name, "two")
        assert [each.path for each in again(trust).pending()] == [str(trust.root / name)]
        put(trust.root, name, "one")
    for name in ("docs/style.md", "src/app.py", "tools/unnamed.sh"):
        put(trust.root, name, "two")
    assert again(trust).given
    (trust.root / "tools/serve.sh").write_bytes(b"x" * (LARGEST + 1))
    again(trust).accept()
    assert again(trust).given, "a large program is no reason never to trust"
    (trust.root / "tools/serve.sh").write_bytes(b"y" * (LARGEST + 1))
    assert not again(trust).given


def test_settings_further_down_count_where_one_works_there(trust: Trust) -> None:
    put(trust.root, "deep/mimocode.json", '{"plugin": ["x"]}')
    again(trust).accept()
    assert [again(trust).given, again(trust, trust.root / "deep").given] == [True, False]
    again(trust, trust.root / "deep").accept()
    assert [again(trust).given, again(trust, trust.root / "deep").given] == [True, True]


def test_a_link_counts_with_what_it_leads_to(trust: Trust, tmp_path: Path) -> None:
    target = put(tmp_path, "elsewhere/p.py", "one")
    (trust.root / ".mimocode").mkdir()
    (trust.root / ".mimocode/plugins").symlink_to(target.parent)
    again(trust).accept()
    assert again(trust).given
    target.write_text("two")
    assert not again(trust).given


def test_a_home_is_never_remembered(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "home"):
        trust = Trust(root, root, tmp_path / "t.json", tmp_path / "home")
        with pytest.raises(UsageError, match="never trusted as a whole"):
            trust.accept()
        assert not trust.given


def test_a_link_in_a_circle_ends(trust: Trust) -> None:
    put(trust.root, ".mimocode/skills/s/run.sh", "x")
    (trust.root / ".mimocode/skills/s/self").symlink_to(trust.root / ".mimocode/skills")
    assert 0 < len(again(trust).lines()) < 20


def test_nothing_in_a_line_commands_the_terminal(trust: Trust) -> None:
    put(trust.root, ".mcp.json", '{"mcpServers": {"\\u001b[2J\\u202e": {"command": "x\\n\\u200by"}}}')
    (line,) = again(trust).lines()
    assert line.isprintable()


def test_the_command_line(tmp_path: Path) -> None:
    cli = Cli(tmp_path)
    put(cli.project, ".mcp.json", '{"mcpServers": {"a": {"command": "true"}}}')
    assert cli("trust").code == 2  # nobody is there
    assert cli("trust", "--show").code == 1
    assert cli("trust", "--yes").out == ".mcp.json: runs the MCP server a: true\n"
    assert cli("trust", "--show").code == 0
    assert "- " not in cli("mcp", "list", "--offline").out
    assert cli("trust", "--revoke").code == 0
    assert cli("mcp", "list", "--offline").out.startswith("- the folder is not trusted")


@pytest.mark.parametrize(
    "text",
    [
        '---\n"permission": allow\n---\n',
        "---\n{permission: allow}\n---\n",
        "---\n  permission: allow\n---\n",
        "---\n? permission\n: allow\n---\n",
        "\ufeff---\npermission: allow\n---\n",
        "\n ---\npermission: allow\n---\n",
        "---\r\npermission: allow\r\n---\r\n",
        "---\rpermission: allow\r---\r",
        "---\n---x: y\npermission: allow\n---\n",
        "---\ndescription: x\u2028permission: allow\n---\n",
        "---\npermission : allow\n---\n",
    ],
)
def test_rights_of_an_agent_are_seen_however_they_are_written(trust: Trust, text: str) -> None:
    (trust.root / ".mimocode/agents").mkdir(parents=True)
    (trust.root / ".mimocode/agents/a.md").write_bytes(text.encode())
    assert [each.kind for each in again(trust).acting] == ["agent"]


def test_what_has_no_end_is_not_read_and_the_whole_disk_is_not_walked(trust: Trust) -> None:
    folder = trust.root / ".mimocode/agents"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.md")
    (folder / "zero.md").symlink_to("/dev/zero")
    assert again(trust).lines() == []
    (folder / "disk").symlink_to("/")
    assert [each.kind for each in again(trust).acting][-1] == "too much"
    with pytest.raises(UsageError, match="nothing was trusted"):
        again(trust).accept()
