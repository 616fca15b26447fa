"""`mimo config`: what a user sees of the settings."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimocode.errors import SettingsError
from mimocode.hookspecs import hookimpl
from mimocode.host import Host
from mimocode.ports import Setting
from mimocode_plugins.ui.config import claims, commands, shapes
from mimocode_plugins.ui.config.telling import explain as explanation

OWNERS = (
    "mimocode_plugins.context.window",
    "mimocode_plugins.crew.compose",
    "mimocode_plugins.crew.workflows",
    "mimocode_plugins.growth.distill",
    "mimocode_plugins.growth.dream",
    "mimocode_plugins.memory.checkpoint",
    "mimocode_plugins.providers.eyes",
    "mimocode_plugins.tools.undo",
    "mimocode_plugins.ui.logs",
)
PLUGIN, WORKSPACE = "mimocode_plugins.ui.config", "mimocode_plugins.store.workspace"


class Others:
    """A plugin that owns some keys."""

    @hookimpl
    def register_settings(self) -> list[Setting]:
        return [
            Setting("permission", str | dict[str, Any], {}, "What is allowed."),
            Setting("provider", dict[str, Any], {}, "Where models are."),
            Setting("mcp", dict[str, dict[str, Any]], {}, "Servers.", needs_trust=True),
        ]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A project with settings, and a home with some more."""
    user = tmp_path / "m/config"
    user.mkdir(parents=True)
    (user / "mimocode.jsonc").write_text(
        '{ // mine\n  "permission": {"ls": "ask"},\n  "provider": {"local": {"options": {\n'
        '    "baseURL": "http://me:pw@host/v1", "apiKey": "{env:LOCAL_KEY}"}}},\n}'
    )
    project = tmp_path / "project"
    project.mkdir()
    (project / "mimocode.json").write_text('{"permission": {"ls": "allow"},\n "mcp": {"x": {}}}')
    return project


def host(workspace: Path, **environ: str) -> Host:
    around = {"MIMOCODE_HOME": str(workspace.parent / "m"), "HOME": str(workspace.parent), **environ}
    return Host([WORKSPACE, PLUGIN, *OWNERS, Others()], directory=workspace, external=False, environ=around)


async def test_show_prints_what_adds_up_and_no_secret(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await commands.show(argparse.Namespace(), host(workspace, LOCAL_KEY="sk-very-secret")) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "provider": {"local": {"options": {"baseURL": "http://***@host/v1", "apiKey": "{env:LOCAL_KEY}"}}},
        "permission": {"ls": "allow"},
    }
    assert err == f'{workspace}/mimocode.json:2: "mcp" is ignored until you trust this folder\n'


async def test_explain_names_everyone_who_had_a_say(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await commands.explain(argparse.Namespace(key="permission.ls"), host(workspace))
    user = workspace.parent / "m/config/mimocode.jsonc"
    wide = len(f"{user}:2")
    assert capsys.readouterr().out.splitlines() == [
        'permission.ls = "allow"',
        "",
        "low to high, the last one counts:",
        f'  user settings     {user}:2  "ask"',
        f'  project settings  {"mimocode.json:1":{wide}}  "allow"',
    ]


async def test_explain_hides_secrets_and_knows_defaults(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = host(workspace, LOCAL_KEY="sk-very-secret")
    await commands.explain(argparse.Namespace(key="provider.local.options.apiKey"), here)
    await commands.explain(argparse.Namespace(key="compaction.tail_turns"), here)
    await commands.explain(argparse.Namespace(key="snapshot"), here)
    await commands.explain(argparse.Namespace(key="mcp"), here)
    out, err = capsys.readouterr()
    assert "sk-very-secret" not in out
    assert 'provider.local.options.apiKey = "{env:LOCAL_KEY}"' in out
    assert "compaction.tail_turns = null\n\nlow to high, the last one counts:\n  default    null\n" in out
    assert "snapshot = true\nWhether files are kept as they were before, for undo.\n" in out
    assert err.endswith('"mcp" is ignored until you trust this folder\n')
    assert err.count("\n") == 1
    with pytest.raises(SettingsError, match=r'^no such setting: "snapshit"; did you mean "snapshot"\?$'):
        await commands.explain(argparse.Namespace(key="snapshit"), here)


async def test_path_lists_what_is_looked_at(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await commands.path(argparse.Namespace(), host(workspace, MIMOCODE_CONFIG_CONTENT="{}"))
    user, lines = workspace.parent / "m/config", capsys.readouterr().out.splitlines()
    assert lines[0] == f"low to high, a later one counts more; project settings stop at {workspace}"
    assert [line.split(maxsplit=1) for line in lines[1:6]] == [
        ["-", f"user settings             {user}/config.json"],
        ["-", f"user settings             {user}/mimocode.json"],
        ["read", f"user settings             {user}/mimocode.jsonc"],
        ["read", f"project settings          {workspace}/mimocode.json"],
        ["-", f"project settings          {workspace}/mimocode.jsonc"],
    ]
    assert "  read  MIMOCODE_CONFIG_CONTENT   (variable)" in lines


async def test_schema_is_a_schema_that_real_files_pass(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    await commands.schema(argparse.Namespace(), host(workspace))
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(EVERYTHING, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"share": "never"}, schema)


EVERYTHING: dict[str, Any] = {
    "$schema": "https://mimo.xiaomi.com/mimocode/config.json",
    "logLevel": "DEBUG",
    "vision_model": "a/b",
    "username": "ada",
    "tool": {"invocation_style": "shell", "invocation_style_by_tool": {"task": "json"}},
    "mcp": {"fs": {"type": "local", "command": ["npx"]}, "off": {"enabled": False}},
    "plugin": ["a", ["b", {"n": 1}]],
    "compose": {"docs": "d", "docs_absolute": True},
    "share": "disabled",
    "autoshare": True,
    "autoupdate": "notify",
    "snapshot": False,
    "watcher": {"ignore": ["*.o"]},
    "server": {"port": 4096, "hostname": "0.0.0.0", "mdns": True, "mdnsDomain": "x.local", "cors": []},
    "llmServer": {"ttl": "2d", "maxAge": "none"},
    "enterprise": {"url": "https://x"},
    "compaction": {"auto": True, "prune": False, "tail_turns": 1, "reserved": 1000, "max_context": {"a/*": "300K"}},
    "checkpoint": {
        "thresholds": ["20%", "300K", 5],
        "reserved": 1,
        "fork": True,
        "push_caps": {"global": 1, "notes": 2},
    },
    "history": {"kinds": ["reasoning", "tool_output"]},
    "dream": {"auto": True, "interval_days": 3},
    "distill": {"auto": False},
    "voice": {"asr_model": "a/b"},
    "workflow": {"maxConcurrentAgents": 3, "maxDepth": 2, "scriptDeadlineMs": 5},
    "experimental": {"maxMode": {"candidates": 5}, "try_best": {"edit_window": 12}, "something_new": 1},
    "layout": "auto",
}


async def test_an_existing_file_loads_whole(workspace: Path) -> None:
    (workspace / "mimocode.json").write_text(json.dumps(EVERYTHING))
    here = host(workspace)
    here.trusted = True
    assert {claim.name for claim in claims.CLAIMS} == set(EVERYTHING) - {
        "$schema",
        "mcp",
        "compaction",
        "compose",
        "checkpoint",
        "distill",
        "dream",
        "logLevel",
        "snapshot",
        "vision_model",
        "workflow",
    }
    for claim in claims.CLAIMS:
        assert here.settings[claim.name] is not None
    assert here.settings["experimental"].something_new == 1
    assert here.settings["checkpoint"].push_caps.global_ == 1


async def test_without_a_file_every_key_has_its_default(workspace: Path) -> None:
    (workspace / "mimocode.json").unlink()
    settings = host(workspace).settings
    for claim in claims.CLAIMS:
        assert explanation(settings, claim.name).origins[0].layer == "default"
    assert settings["history"] == shapes.History()


secrets = st.text("abcdefghXYZ0189-_", min_size=8, max_size=20)
telling = st.sampled_from(
    ["apiKey", "api_key", "X-Api-Key", "Authorization", "GITHUB_TOKEN", "clientSecret", "password"]
)


@given(secrets, telling)
def test_nothing_under_a_telling_key_is_printed(secret: str, key: str) -> None:
    value = {"a": [{key: secret, "b": 1}], key: {"deep": [secret]}, "limit_tokens": 5}
    shown = commands.masked(value, {})
    assert shown == {"a": [{key: "***", "b": 1}], key: {"deep": ["***"]}, "limit_tokens": 5}
    assert commands.masked_under(f"x.{key}", secret, {}) == "***"


@given(secrets)
def test_what_came_from_a_reference_is_shown_as_the_reference(secret: str) -> None:
    known = {secret: "{env:K}"}
    assert commands.masked({"h": secret, "u": f"http://x/?k={secret}."}, known) == {
        "h": "{env:K}", "u": "http://x/?k={env:K}."
    }  # fmt: skip


def test_claiming_costs_nothing() -> None:
    code = (
        "import sys, mimocode_plugins.ui.config as plugin\n"
        "plugin.register_settings()\n"
        "print([n for n in ('pydantic', 'yaml', 'mimocode_plugins.ui.config.shapes') if n in sys.modules])"
    )
    path = {"PYTHONPATH": "kernel:plugins"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=path)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_from_the_shell(workspace: Path) -> None:
    code = (
        "from mimocode import main, host; import mimocode_plugins as p; p.DEFAULT = %r; raise SystemExit(main.main())"
    )
    around = {"PYTHONPATH": "kernel:plugins", "MIMOCODE_HOME": str(workspace.parent / "none")}

    def mimo(*words: str) -> tuple[int, str, str]:
        line = [sys.executable, "-c", code % ([WORKSPACE, PLUGIN],), *words]
        done = subprocess.run(line, capture_output=True, text=True, env=around)
        return done.returncode, done.stdout, done.stderr

    assert mimo("config", "show") == (0, "{}\n", "")
    code_, out, err = mimo("config", "explain", "shar")
    assert (code_, out, err) == (1, "", 'mimo: no such setting: "shar"; did you mean "share"?\n')
    assert mimo("config", "explain")[0] == 2
