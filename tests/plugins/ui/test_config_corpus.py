"""Settings files as people have them, of the original and of OpenCode: they load, and what is wrong in one is named."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mimocode import hookspecs as on
from mimocode.host import Host
from mimocode_plugins.ui.config.changing import mistakes


@dataclass(frozen=True)
class Case:
    """A file, what counts of it by dotted key, and a sentence for each mistake, in which F is the file."""

    name: str
    text: str
    values: dict[str, Any]
    wrong: list[str]


CASES = [
    Case(
        "agents with everything they may have",
        '{"agent": {"review": {"description": "Reviews", "mode": "subagent", "model": "anthropic/claude-sonnet-5", "temperature": 0.1, "top_p": 0.9, "prompt": "You review.", "tools": {"write": false, "edit": false, "mymcp_*": false}, "permission": {"bash": {"git push": "ask", "*": "deny"}, "edit": "deny"}, "maxSteps": 5, "steps": 6, "color": "#FF0000", "hidden": true, "disable": false, "options": {"x": 1}, "variant": "high", "reasoningEffort": "high"}, "build": {"disable": true}}}',
        {"agent.review.mode": "subagent", "agent.review.permission.edit": "deny", "agent.build.disable": True},
        [],
    ),
    Case(
        "modes of old files",
        '{"mode": {"docs": {"prompt": "x", "tools": {"bash": false}}}}',
        {"mode.docs.prompt": "x"},
        [],
    ),
    Case(
        "MCP servers of all kinds",
        '{"mcp": {"a": {"type": "local", "command": ["npx", "-y", "x"], "environment": {"A": "1"}, "enabled": true, "timeout": 5000}, "b": {"type": "remote", "url": "https://x.example/mcp", "headers": {"A": "b"}, "oauth": {}, "enabled": false}, "c": {"type":"remote","url":"https://x.example/mcp","oauth": false}, "d": {"enabled": false}, "e": {"type":"remote","url":"https://x.example/mcp","oauth":{"clientId":"x","clientSecret":"y","scope":"z"}, "timeout": 10}}}',
        {"mcp.a.command": ["npx", "-y", "x"], "mcp.d.enabled": False},
        [],
    ),
    Case(
        "a provider of one's own, with all that a model may say",
        '{"provider": {"ollama": {"npm": "@ai-sdk/openai-compatible", "name": "Ollama (local)", "options": {"baseURL": "http://localhost:11434/v1"}, "models": {"llama2": {"name": "Llama 2"}, "q": {"tools": true, "reasoning": true, "attachment": true, "limit": {"context": 200000, "output": 65536}, "cost": {"input": 1, "output": 2, "cache_read": 0.1}, "options": {"reasoningEffort": "high", "store": false}, "variants": {"fast": {"disabled": true}}, "headers": {"a":"b"}, "modalities": {"input":["text","image"],"output":["text"]}, "interleaved": {"field":"reasoning_content"}, "release_date": "2025-01-01", "temperature": true, "tool_call": true, "family": "llama", "status": "beta", "id": "other", "cachePromptTTL": "1h"}}}, "anthropic": {"options": {"timeout": false, "setCacheKey": true, "apiKey": "{env:NO}"}, "whitelist": ["a"], "blacklist": ["b"]}}}',
        {
            "provider.ollama.models.q.limit.context": 200000,
            "provider.anthropic.options.timeout": False,
            "provider.anthropic.options.apiKey": "",
        },
        [],
    ),
    Case(
        "what lives in tui.json now",
        '{"theme": "opencode", "keybinds": {"leader": "ctrl+x"}, "tui": {"scroll_speed": 3, "scroll_acceleration": {"enabled": true}, "diff_style": "auto"}, "autoshare": true, "layout": "stretch"}',
        {"autoshare": True, "layout": "stretch"},
        [
            'F:1: "theme" belongs into tui.json; until it is moved it counts as if it stood there',
            'F:1: "keybinds" belongs into tui.json; until it is moved it counts as if it stood there',
            'F:1: "tui" belongs into tui.json; until it is moved it counts as if it stood there',
        ],
    ),
    Case(
        "formatters and language servers",
        '{"formatter": {"prettier": {"disabled": true}, "custom": {"command": ["npx", "prettier", "--write", "$FILE"], "environment": {"N": "d"}, "extensions": [".js"]}}, "lsp": {"typescript": {"disabled": true}, "custom": {"command": ["c", "--stdio"], "extensions": [".x"], "env": {"A": "b"}, "initialization": {"a": 1}}}}',
        {"formatter.prettier.disabled": True, "lsp.custom.extensions": [".x"]},
        [],
    ),
    Case(
        "formatters off, language servers on",
        '{"formatter": false, "lsp": true}',
        {"formatter": False, "lsp": True},
        [],
    ),
    Case(
        "rules by key and pattern",
        '{"permission": {"*": "ask", "bash": {"*": "ask", "git *": "allow", "rm *": "deny"}, "edit": "deny", "webfetch": "ask", "external_directory": {"~/x/**": "allow"}, "doom_loop": "ask", "skill": {"*": "deny"}, "task": {"a": "allow"}, "read": {"*.env": "deny"}, "lsp": "allow", "question":"allow"}}',
        {"permission.bash": {"*": "ask", "git *": "allow", "rm *": "deny"}},
        [],
    ),
    Case(
        "one rule for everything",
        '{"permission": "allow"}',
        {"permission": "allow"},
        [],
    ),
    Case(
        "switches of old files",
        '{"tools": {"bash": false, "mymcp_*": false, "write": true}}',
        {"tools": {"bash": False, "mymcp_*": False, "write": True}},
        [],
    ),
    Case(
        "files, patterns and addresses to follow",
        '{"instructions": ["CONTRIBUTING.md", "docs/*.md", "https://x.example/rules.md", "~/x.md"]}',
        {"instructions": ["CONTRIBUTING.md", "docs/*.md", "https://x.example/rules.md", "~/x.md"]},
        [],
    ),
    Case(
        "a command",
        '{"command": {"test": {"template": "Run tests $ARGUMENTS !`ls` @x", "description": "d", "agent": "build", "model": "a/b", "subtask": true}}}',
        {"command.test.subtask": True},
        [],
    ),
    Case(
        "plugins of the original",
        '{"plugin": ["opencode-helicone-session", "./plugins/x.ts", ["@a/b@1.2", {"x": 1}]]}',
        {"plugin": ["opencode-helicone-session", "./plugins/x.ts", ["@a/b@1.2", {"x": 1}]]},
        [],
    ),
    Case(
        "everything experimental",
        '{"experimental": {"chatMaxRetries": 3, "disable_paste_summary": true, "batch_tool": true, "openTelemetry": false, "primary_tools": ["task"], "continue_loop_on_deny": true, "mcp_timeout": 5000, "hook": {"file_edited": {}}, "maxMode": {}, "try_best": {"edit_window": 12}, "predict_next_prompt": true}}',
        {"experimental.mcp_timeout": 5000, "experimental.maxMode": {}},
        [],
    ),
    Case(
        "Max Mode as the cheat sheet has it",
        '{"experimental": {"maxMode": true}}',
        {"experimental.maxMode": True},
        [],
    ),
    Case(
        "the budget of each model",
        '{"compaction": {"auto": true, "prune": false, "reserved": 10000, "tail_turns": 2, "preserve_recent_tokens": 8000, "max_context": {"anthropic/*": "300K", "x/y": 100000}}}',
        {"compaction.max_context": {"anthropic/*": "300K", "x/y": 100000}},
        [],
    ),
    Case(
        "a budget in parts of the window",
        '{"compaction": {"max_context": "50%"}}',
        {"compaction.max_context": "50%"},
        [],
    ),
    Case(
        "checkpoints with every cap",
        '{"checkpoint": {"thresholds": [20, "45%", "100K", "1M"], "reserved": 20000, "fork": false, "task_archive_days": 7, "memory_reconcile_on_search": true, "memory_search_score_floor": 0.15, "max_writer_failures": 3, "push_caps": {"tasks_ledger": 2000, "focus_task": 4000, "actor_ledger": 500, "memory_titles": 500, "global": 6000, "checkpoint": 11000, "memory": 10000, "notes": 6000, "design_decisions": 3000, "open_notes": 800, "recent_user": 16000, "recent_user_per_msg": 2000}}}',
        {"checkpoint.thresholds": [20, "45%", "100K", "1M"]},
        [],
    ),
    Case(
        "what OpenCode's files mostly have",
        '{"$schema": "https://opencode.ai/config.json", "autoupdate": "notify", "share": "disabled", "username": "x", "watcher": {"ignore": ["node_modules/**"]}, "server": {"port": 4096, "hostname": "0.0.0.0", "mdns": true, "mdnsDomain": "x.local", "cors": ["https://a"]}, "enterprise": {"url": "https://x"}, "disabled_providers": ["openai"], "enabled_providers": ["anthropic"], "logLevel": "DEBUG", "snapshot": false, "small_model": "a/b", "default_agent": "plan", "llmServer": {"ttl": "1d", "maxAge": "none"}}',
        {"autoupdate": "notify", "server.port": 4096, "default_agent": "plan", "snapshot": False},
        [],
    ),
    Case(
        "what the original added",
        '{"model_groups": {"lite": "a/b", "x": {"default": "a/b", "models": ["c/d"]}}, "vision_model": "a/b", "memory": {"disable_write": false, "cc_index": true}, "history": {"kinds": ["user_text"]}, "dream": {"auto": true, "interval_days": 3}, "distill": {"auto": false}, "voice": {"asr_model": "a/b"}, "workflow": {"maxConcurrentAgents": 4, "maxDepth": 8, "maxLifecycleAgents": 1000, "scriptDeadlineMs": 1000}, "compose": {"docs": "docs/c", "docs_absolute": true}, "skills": {"paths": ["x"], "urls": ["https://x.example/skills/"]}, "tool": {"invocation_style": "shell"}}',
        {"model_groups.x.default": "a/b", "memory.cc_index": True, "dream.interval_days": 3, "compose.docs": "docs/c"},
        [],
    ),
    Case(
        "MiMo with its thinking switched off",
        '{"model": "xiaomi/mimo-v2.5-pro", "provider": {"xiaomi": {"options": {"apiKey": "{env:XIAOMI_API_KEY}"}, "models": {"mimo-v2.5-pro": {"options": {"thinking": {"type": "disabled"}}}}}}}',
        {"provider.xiaomi.models": {"mimo-v2.5-pro": {"options": {"thinking": {"type": "disabled"}}}}},
        [],
    ),
    Case(
        "an empty file",
        "",
        {},
        [],
    ),
    Case(
        "only a schema",
        '{"$schema": "x"}',
        {},
        [],
    ),
    Case(
        "comments and a last comma",
        '// a\n{ /* b */ "model": "a/b", // c\n}\n',
        {"model": "a/b"},
        [],
    ),
    Case(
        "a mark at the start",
        '\ufeff{"model": "a/b"}',
        {"model": "a/b"},
        [],
    ),
    Case(
        "lines of Windows",
        '{\r\n"model": "a/b",\r\n}',
        {"model": "a/b"},
        [],
    ),
    Case(
        "a key twice, the later counts",
        '{"model": "a/b", "model": "c/d"}',
        {"model": "c/d"},
        ['F:1: "model" stands there twice; the later one counts'],
    ),
    Case(
        "keys that nobody knows",
        '{"instuctions": ["a"], "mcpServers": {}, "permissions": {}, "agents": {}, "models": "x", "apiKey": "x", "providers": {}, "hooks": {}, "smallModel": "a/b", "env": {}}',
        {},
        [
            'F:1: "instuctions" is not a setting; did you mean "instructions"?',
            'F:1: "mcpServers" is not a setting; MCP servers stand under "mcp"; `.mcp.json` is read as it is',
            'F:1: "permissions" is not a setting; rules stand under "permission", as {"bash": {"git *": "allow"}}',
            'F:1: "agents" is not a setting; did you mean "agent"?',
            'F:1: "models" is not a setting; did you mean "model"?',
            'F:1: "apiKey" is not a setting; `mimo auth login PROVIDER` keeps a key',
            'F:1: "providers" is not a setting; did you mean "provider"?',
            'F:1: "hooks" is not a setting; what runs at an event is a plugin here',
            'F:1: "smallModel" is not a setting; did you mean "small_model"?',
            'F:1: "env" is not a setting; variables are set where mimo is started, those of an MCP server under mcp.<name>.environment',
        ],
    ),
    Case(
        "mistakes further in",
        '{"compaction": {"autoo": true}, "provider": {"a": {"options": {"base_url": "x"}}}, "agent": {"x": {"mod": "y"}}, "mcp": {"a": {"type": "local", "command": "npx x"}}, "permission": {"bash": "yes"}, "command": {"x": {"tmplate": "y"}}}',
        {},
        [
            'F:1: no such key, at compaction.autoo; did you mean "auto"?',
            "F:1: input should be 'allow', 'ask' or 'deny', or input should be a valid dictionary, at permission.bash",
            'F:1: the key "template" is missing, at command.x',
            "F:1: there is no base_url at provider.a.options; did you mean baseURL?",
        ],
    ),
    Case(
        "values of the wrong kind",
        '{"model": 5, "snapshot": "yes", "instructions": "a.md", "autoupdate": "sometimes", "share": true}',
        {},
        [
            "F:1: input should be a valid string, at model",
            "F:1: input should be a valid list, at instructions",
            "F:1: input should be a valid boolean, unable to interpret input, or input should be 'notify', at autoupdate",
            "F:1: input should be 'manual', 'auto' or 'disabled', at share",
        ],
    ),
    Case(
        "a list",
        "[]",
        {},
        ["F:1: settings are one JSON object in braces (left out)"],
    ),
    Case(
        "a bracket that is missing",
        '{"model": "a/b"',
        {},
        ["F:1:16: a comma or a closing bracket is expected here (left out)"],
    ),
    Case(
        "single quotes",
        "{'model': 'a/b'}",
        {},
        ["F:1:2: a key in double quotes or } is expected here (left out)"],
    ),
    Case(
        "a file that is not there",
        '{"model": "{env:NOPE}x/y", "username": "{file:missing.txt}"}',
        {},
        ["F:1: {file:missing.txt} cannot be read: No such file or directory (left out)"],
    ),
]


def opened(folder: Path, text: str) -> tuple[Host, Path]:
    path = folder / ".config/mimocode/mimocode.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode())
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    return Host(None, directory=folder, external=False, environ=environ, complain=print), path


def at(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data[part]
    return data


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_loads_and_what_is_wrong_is_named(tmp_path: Path, case: Case) -> None:
    host, path = opened(tmp_path, case.text)
    assert [line.replace(str(path), "F") for line in mistakes(host)] == case.wrong
    settings: Any = host.workspace.read(
        [(p, s) for p, o in host.hooks.collect_now(on.register_settings) for s in o], False, True
    )
    assert {key: at(settings.data, key) for key in case.values} == case.values


MISSPELT = [
    ('{"server": {"prot": 1}}', "server.prot", "port"),
    ('{"experimental": {"maxMode": {"candidate": 3}}}', "experimental.maxMode.candidate", "candidates"),
    ('{"checkpoint": {"push_caps": {"memry": 3}}}', "checkpoint.push_caps.memry", "memory"),
    ('{"model_groups": {"lite": {"defualt": "a/b"}}}', "model_groups.lite.defualt", "default"),
    ('{"dream": {"interval": 3}}', "dream.interval", "interval_days"),
]


@pytest.mark.parametrize(("text", "path", "meant"), MISSPELT, ids=[each[1] for each in MISSPELT])
def test_a_part_that_nobody_knows_is_named_with_what_was_meant(
    tmp_path: Path, text: str, path: str, meant: str
) -> None:
    host, _ = opened(tmp_path, text)
    [line] = mistakes(host)
    assert "no such key" in line and f'at {path}; did you mean "{meant}"?' in line


def test_there_are_enough_of_them() -> None:
    assert len([case for case in CASES if not case.wrong]) >= 25


async def test_agents_commands_and_models_of_a_file_are_there(tmp_path: Path) -> None:
    texts = {case.name: json.loads(case.text) for case in CASES if not case.wrong and case.text.startswith('{"')}
    wanted = (
        "agents with everything they may have",
        "a command",
        "a provider of one's own, with all that a model may say",
    )
    merged = {key: value for name in wanted for key, value in texts[name].items()}
    host, _ = opened(tmp_path, json.dumps(merged))
    agent = (await host.agents())["review"]
    assert (agent.mode, agent.steps, agent.model) == ("subagent", 6, "anthropic/claude-sonnet-5")
    assert "build" not in await host.agents()
    assert "test" in await host.commands()
    [model] = [info for info in await host.models() if info.ref == "ollama/q"]
    assert (model.window, model.output, model.media, model.reasoning) == (200_000, 65_536, ("image",), True)
    assert [info for info in await host.models() if info.ref.startswith("anthropic/")] == []
