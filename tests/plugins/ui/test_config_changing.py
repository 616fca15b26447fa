"""`mimo config get, set, unset, edit, validate`, what counts at once, and every field and variable of the original."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mimocode.errors import UsageError
from mimocode_plugins.ui import effects, variables
from mimocode_plugins.ui.config.changing import parts
from mimocode_plugins.ui.config.misspelt import misspelt
from mimocode_plugins.ui.config.shapes import Experimental
from support.cli import ROOT, Cli
from support.model_server import ModelServer
from support.tty import terminal

FILE = """{
  // which one
  "model": "a/b", // the good one
  "provider": {"acme": {"options": {"baseURL": "http://127.0.0.1:9/v1", "apiKey": "{env:ACME}"}}},
}
"""


def lay(cli: Cli, text: str = FILE) -> Path:
    path = cli.home / ".config/mimocode/mimocode.jsonc"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_value_is_read_set_and_taken_out_and_the_comments_stay(cli: Cli) -> None:
    path = lay(cli)
    assert cli("config", "get", "model").out == "a/b\n"
    assert cli("config", "get", "snapshot").out == "true\n"
    assert cli("config", "get", "provider.acme.options.apiKey", ACME="sk-canary-123").out == "{env:ACME}\n"
    assert cli("config", "get", "layout").code == 1
    done = cli("config", "set", "model", "c/d")
    assert (done.code, done.out) == (0, "")
    assert path.read_text() == FILE.replace("a/b", "c/d")
    assert cli("config", "set", "model", "a/b").code == 0
    cli("config", "set", 'provider.acme.models."gpt-4.1".limit.context', "128000")
    assert cli("config", "get", "provider.acme.models.gpt-4.1.limit.context").out == "128000\n"
    assert cli("config", "unset", "provider.acme.models").code == 0
    assert path.read_text() == FILE
    assert cli("config", "unset", "username").code == 1


def test_the_project_has_a_file_of_its_own_and_it_is_said_who_wins(cli: Cli) -> None:
    lay(cli)
    done = cli("config", "set", "--project", "permission.bash", '{"git *": "ask"}')
    assert done.code == 0, done.err
    own = cli.project / ".mimocode/mimocode.jsonc"
    assert json.loads(own.read_text()) == {"permission": {"bash": {"git *": "ask"}}}
    done = cli("config", "set", "permission.bash", "deny")
    assert "but something else decides: see `mimo config explain permission.bash`" in done.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["snapshto", "true"], 'there is no setting "snapshto"; did you mean "snapshot"?'),
        (["modle", "a/b"], 'there is no setting "modle"; did you mean "model"?'),
        (["snapshot", "perhaps"], "at snapshot"),
        (["provider.acme.options.timeout", '"soon"'], "at provider.acme.options.timeout"),
        (["provider.acme.options.apiKey", "sk-canary-123"], "`mimo auth login acme` keeps it"),
        (["mcp.x.headers.Authorization", "Bearer sk-canary-123"], "use {env:NAME}"),
        (["a..b", "x"], "is no key"),
        (["", "x"], "is no key"),
    ],
)
def test_what_makes_no_sense_is_not_written(cli: Cli, words: list[str], why: str) -> None:
    path = lay(cli)
    done = cli("config", "set", *words)
    assert done.code in (1, 2)
    assert why in done.err
    assert "canary" not in done.err
    assert path.read_text() == FILE


@pytest.mark.parametrize(
    ("key", "path"),
    [("a", ("a",)), ("a.b-c.d", ("a", "b-c", "d")), ('a."b.c"."d"', ("a", "b.c", "d")), ('"x\\"y"', ('x"y',))],
)
def test_keys_with_dots_stand_in_quotes(key: str, path: tuple[str, ...]) -> None:
    assert parts(key) == path


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", 'a."b', 'a"b"', '"a"b'])
def test_what_is_no_key(key: str) -> None:
    with pytest.raises(UsageError):
        parts(key)


def test_every_mistake_is_named(cli: Cli) -> None:
    path = lay(cli, '{\n  "snapshto": "x",\n  "snapshot": "perhaps",\n  "server": {"prot": 1}\n}\n')
    done = cli("config", "validate")
    assert done.code == 1
    lines = done.out.splitlines()
    assert f'{path}:2: "snapshto" is not a setting; did you mean "snapshot"?' in lines
    assert any(line.startswith(f"{path}:3: ") and "snapshot" in line for line in lines)
    assert any(line.startswith(f"{path}:4: no such key, at server.prot") for line in lines)
    assert len(lines) == 3
    alone = cli("config", "validate", str(path), MIMOCODE_CONFIG_CONTENT='{"username": 5}')
    assert len(alone.out.splitlines()) == 3
    good = cli.home / "good.json"
    good.write_text('{"model": "a/b"} // fine')
    assert (cli("config", "validate", str(good)).code, cli("config", "validate", "nowhere").code) == (0, 2)


def test_the_editor_opens_a_file_that_is_then_looked_at(cli: Cli) -> None:
    script = cli.home / "editor"
    script.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\npathlib.Path(sys.argv[1]).write_text('{{\"snapshto\": 1}}')\n"
    )
    script.chmod(0o755)
    done = cli("config", "edit", EDITOR=str(script))
    assert done.code == 1
    assert 'did you mean "snapshot"?' in done.out
    lay(cli)
    assert cli("config", "edit", VISUAL="true", EDITOR="false").code == 0
    assert cli("config", "edit", VISUAL="false").code == 1
    assert "cannot be started" in cli("config", "edit", EDITOR="/nonexistent/editor").err


def test_a_new_file_begins_with_its_schema(cli: Cli) -> None:
    assert cli("config", "edit", EDITOR="true").code == 0
    text = (cli.home / ".config/mimocode/mimocode.jsonc").read_text()
    assert json.loads(text) == {"$schema": "https://mimo.xiaomi.com/mimocode/config.json"}


# -- while a session runs -------------------------------------------------------


def test_what_the_user_changes_counts_from_the_next_message(cli: Cli) -> None:
    first, second = cli.scenario([{"text": "I am the first."}] * 9), cli.scenario([{"text": "I am the second."}] * 9)
    path = lay(cli, json.dumps({"model": first}))
    with terminal(cli, "chat", columns=110, rows=40) as tty:
        tty.wait("scenario-1")
        tty.quiet(0.5)
        tty.send("Who are you?\r")
        tty.wait("I am the first")
        path.write_text(json.dumps({"model": second}))
        tty.send("And now?\r")
        tty.wait("your settings were read again: model changed")
        tty.wait("I am the second")
        path.write_text(json.dumps({"model": 5}))
        tty.send("And now?\r")
        tty.wait("the settings of before still count")
        tty.wait(lambda seen: seen.text.count("I am the second") == 2)
        (cli.project / "mimocode.json").write_text('{"username": "x"}')
        tty.send("And now?\r")
        tty.wait("this project's settings have changed")
        path.write_text(json.dumps({"model": first}))
        tty.send("Once more\r")
        tty.wait(lambda seen: seen.text.count("this project's settings have changed") == 2)
        tty.wait(lambda seen: seen.text.count("I am the second") == 4)
        assert seen_once(tty.text, "your settings were read again")


def seen_once(text: str, part: str) -> bool:
    return text.count(part) == 1


def test_another_address_of_the_same_model_counts_too(cli: Cli) -> None:
    with ModelServer([{"text": "Here."}]) as here, ModelServer([{"text": "There."}]) as there:

        def at(url: str) -> str:
            options = {"baseURL": f"{url}/v1", "apiKey": "k-123456789"}
            section = {"options": options, "models": {"test-model": {}}}
            return json.dumps({"model": "acme/test-model", "provider": {"acme": section}})

        path = lay(cli, at(here.url))
        with terminal(cli, "chat", columns=110, rows=40) as tty:
            tty.wait("acme/test-model")
            tty.quiet(0.5)
            tty.send("Where?\r")
            tty.wait(r"Here\.")
            path.write_text(at(there.url))
            tty.send("And now?\r")
            tty.wait(r"There\.")


# -- the fields and variables of the original -----------------------------------

FIELDS: dict[str, Any] = {
    "$schema": "https://mimo.xiaomi.com/mimocode/config.json",
    "logLevel": "DEBUG",
    "model": "local/qwen3",
    "small_model": "lite",
    "vision_model": "local/eyes",
    "model_groups": {"lite": "local/qwen3-small", "ultra": {"default": "local/qwen3", "models": ["local/qwen3"]}},
    "default_agent": "plan",
    "username": "Ada",
    "agent": {"reviewer": {"description": "Reviews.", "mode": "subagent", "permission": {"edit": "deny"}}},
    "mode": {"quiet": {"prompt": "Be quiet."}},
    "command": {"check": {"template": "Check $ARGUMENTS", "description": "Checks", "subtask": True}},
    "provider": {
        "local": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Local",
            "options": {"baseURL": "http://127.0.0.1:8000/v1", "apiKey": "{env:LOCAL_KEY}", "setCacheKey": True},
            "models": {"qwen3": {"limit": {"context": 131_072, "output": 16_384}}},
        }
    },
    "enabled_providers": ["local"],
    "disabled_providers": ["xai"],
    "permission": {"bash": {"*": "ask", "git status *": "allow"}, "edit": "ask"},
    "tools": {"websearch": False},
    "tool": {"invocation_style": "json", "invocation_style_by_tool": {"task": "shell"}},
    "mcp": {"fs": {"type": "local", "command": ["server-fs", "."], "enabled": False}},
    "plugin": ["some-plugin@1.2", ["other", {"a": 1}]],
    "skills": {"paths": ["./skills"], "urls": []},
    "compose": {"docs": "docs/compose", "docs_absolute": False},
    "instructions": ["CONTRIBUTING.md"],
    "lsp": False,
    "formatter": False,
    "share": "manual",
    "autoshare": False,
    "autoupdate": "notify",
    "snapshot": True,
    "watcher": {"ignore": ["dist/**"]},
    "server": {"port": 4096, "hostname": "127.0.0.1", "mdns": False, "cors": []},
    "llmServer": {"ttl": "1d", "maxAge": "none"},
    "enterprise": {"url": "https://share.example"},
    "compaction": {"auto": True, "prune": True, "tail_turns": 2, "reserved": 20_000, "max_context": "300K"},
    "checkpoint": {"thresholds": ["20%", "100K"], "push_caps": {"memory": 10_000}},
    "memory": {"disable_write": False, "cc_index": False},
    "history": {"kinds": ["user_text", "tool_output"]},
    "dream": {"auto": False, "interval_days": 7},
    "distill": {"auto": False, "interval_days": 30},
    "voice": {"asr_model": "xiaomi/mimo-v2.5-asr", "control_model": "xiaomi/mimo-v2.5"},
    "workflow": {"maxDepth": 8},
    "experimental": {"maxMode": {"candidates": 5}, "predict_next_prompt": True, "primary_tools": ["task"]},
    "layout": "auto",
}


def source() -> str:
    """All code of the product but the table of variables."""
    files = [path for folder in ("kernel", "plugins") for path in (ROOT / folder).rglob("*.py")]
    return "\n".join(
        path.read_text() for path in files if path.name not in ("variables.py", "effects.py", "claims.py", "shapes.py")
    )


def test_a_file_with_every_field_of_the_original_loads(cli: Cli) -> None:
    lay(cli, json.dumps(FIELDS))
    done = cli("config", "validate")
    assert (done.code, done.out) == (0, ""), done.out
    shown = json.loads(cli("config", "show").out)
    assert shown.keys() == FIELDS.keys() - {"$schema"}
    schema = json.loads(cli("config", "schema").out)
    assert schema["properties"].keys() >= FIELDS.keys()


def read_somewhere(name: str, code: str) -> bool:
    form = rf'(?:settings|said|environ)\w*\[?\(?[^\n]{{0,40}}"{name}"|Setting\(\s*"{name}"|\.{name}\b'
    return re.search(form, code) is not None


def test_every_field_has_an_effect_or_a_reason() -> None:
    code = source()
    parts = {f"experimental.{each.name}" for each in fields(Experimental)} - {"experimental.maxMode"}
    for name in {*FIELDS, *parts} - {"$schema"}:
        last = name.rpartition(".")[2]
        if effects.why(name):
            said = re.search(rf'settings\["{last}"\]|Setting\(\s*"{last}"', code)
            assert not said, f"something reads {name} now: take it out of WITHOUT in ui/effects.py"
        else:
            assert read_somewhere(last, code), (
                f"nothing reads {name}: give it an effect, or say why not in ui/effects.py"
            )
    assert {name.partition(".")[0] for name in effects.WITHOUT} <= FIELDS.keys()


def test_what_has_no_effect_is_said_where_one_asks(cli: Cli) -> None:
    path = lay(
        cli, '{\n  "share": "auto",\n  "experimental": {"batch_tool": true, "maxMode": true},\n  "snapshot": true\n}'
    )
    told = cli("config", "explain", "share").out
    assert f"It is accepted, and has no effect here: {effects.WITHOUT['share']}.\n" in told
    assert "has no effect" not in cli("config", "explain", "snapshot").out
    assert "has no effect" in cli("config", "explain", "experimental.batch_tool").out
    done = cli("config", "validate")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        f"{path}:2: share has no effect here: {effects.WITHOUT['share']}",
        f"{path}:3: experimental.batch_tool has no effect here: {effects.WITHOUT['experimental.batch_tool']}",
        "no mistakes",
    ]
    assert f"{path}:2: share has no effect here" in cli("doctor").out
    described = json.loads(cli("config", "schema").out)["properties"]
    assert described["share"]["description"].endswith(f"Accepted, without effect: {effects.WITHOUT['share']}.")


def test_settings_that_are_easily_forgotten(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}]) as server:
        provider = {"acme": {"options": {"baseURL": f"{server.url}/v1", "apiKey": "k"}, "models": {"test-model": {}}}}
        wanted: dict[str, Any] = {"model": "acme/test-model", "provider": provider, "logLevel": "INFO"}
        lay(cli, json.dumps(wanted))
        assert "HTTP Request" in cli("--print-logs", "run", "Hi").err
        assert "User: " not in json.dumps(server.requests[0].body["messages"][0], ensure_ascii=False)
        lay(cli, json.dumps({**wanted, "username": "Ada\n<x>", "logLevel": "ERROR"}))
        assert "HTTP Request" not in cli("--print-logs", "run", "Hi").err
        assert "HTTP Request" in cli("--print-logs", "--log-level", "DEBUG", "run", "Hi").err, "the command line wins"
        assert "User: Ada?‹x›" in json.dumps(server.requests[1].body["messages"][0], ensure_ascii=False)


def test_a_paste_is_shown_whole_when_that_is_wished(cli: Cli) -> None:
    lay(cli, '{"experimental": {"disable_paste_summary": true}}')
    with terminal(cli, "chat", "-m", "scripted/hello", columns=110, rows=40) as tty:
        tty.wait("Say what to do")
        tty.send("\x1b[200~one\ntwo\nthree\nfour\x1b[201~")
        tty.wait("four")
        assert "Pasted" not in tty.text


def test_the_time_limit_of_commands_is_the_environments(cli: Cli) -> None:
    look = {"command": "sleep 50", "description": "wait"}
    model = cli.scenario([{"calls": [{"name": "bash", "arguments": look}]}, {"text": "${result}"}])
    done = cli("run", "--yolo", "-m", model, "Wait", MIMOCODE_EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS="250")
    assert "Ended after its timeout of 250 ms" in done.out


NAMES = """
HOME CONFIG CONFIG_DIR CONFIG_CONTENT TUI_CONFIG PERMISSION DB MODELS_URL MODELS_PATH DISABLE_MODELS_FETCH
ENABLE_EXPERIMENTAL_MODELS AUTH_CONTENT PURE DISABLE_DEFAULT_PLUGINS AUTO_SHARE DISABLE_SHARE DISABLE_AUTOUPDATE
ALWAYS_NOTIFY_UPDATE DISABLE_AUTOCOMPACT DISABLE_PRUNE DISABLE_CHECKPOINT DISABLE_TERMINAL_TITLE DISABLE_MOUSE TUI_PLAIN
DISABLE_LSP_DOWNLOAD EXPERIMENTAL_LSP_TY EXPERIMENTAL_LSP_TOOL EXPERIMENTAL_OXFMT GIT_BASH_PATH DISABLE_GIT FAKE_VCS
DISABLE_PROJECT_CONFIG MIMO_ONLY DISABLE_PROVIDER_ENV DISABLE_CLAUDE_CODE DISABLE_CLAUDE_CODE_PROMPT
DISABLE_CLAUDE_CODE_SKILLS DISABLE_CLAUDE_CODE_MCP DISABLE_CLAUDE_CODE_COMMANDS DISABLE_EXTERNAL_SKILLS
DISABLE_AGENTS_SKILLS DISABLE_CODEX_SKILLS DISABLE_OPENCODE_SKILLS ENABLE_CLAUDE_CODE_SKILLS ENABLE_CODEX_SKILLS
ENABLE_OPENCODE_SKILLS DISABLE_BUILTIN_SKILLS DISABLE_OFFICIAL_SKILLS DISABLE_COMPOSE_SKILLS DISABLE_SLASH_SKILLS
DISABLE_CLAUDE_IMPORT DANGEROUSLY_SKIP_PERMISSIONS AUTO_APPROVE_DELETE SKIP_ALL_FORCED_ASK_TIMEOUT_MS SERVER_PASSWORD
SERVER_USERNAME CLIENT ENABLE_QUESTION_TOOL ENABLE_FUZZY_EDIT ENABLE_DYNAMIC_SYSTEM_PROMPT ENABLE_EXA EXPERIMENTAL_EXA
ENABLE_EXEC_TOOL CODEX_MODE EXPERIMENTAL_MCP_TOOL_SEARCH EXPERIMENTAL EXPERIMENTAL_ORCHESTRATOR
EXPERIMENTAL_WORKFLOW_TOOL EXPERIMENTAL_WORKSPACES EXPERIMENTAL_CRON DISABLE_CRON LOOP_KEEPALIVE_BUDGET
LOOP_KEEPALIVE_DELAY_S EXPERIMENTAL_BASH_DEFAULT_TIMEOUT_MS EXPERIMENTAL_OUTPUT_TOKEN_MAX EXPERIMENTAL_TOKEN_EFFICIENCY
EXPERIMENTAL_TOKEN_EFFICIENCY_HEURISTIC OUTPUT_LENGTH_CONTINUATION_LIMIT INVALID_OUTPUT_CONTINUATION_LIMIT
TEXT_TOOL_CALL_RETRY_LIMIT TEXT_NGRAM_N TEXT_REPEAT_THRESHOLD TEXT_WINDOW_TOKENS MAX_PROMPT_IMAGES MAX_PROMPT_IMAGE_SIZE
ENABLE_ANALYSIS ENABLE_TRY_BEST_HANDOFF SHOW_TTFD DISABLE_CHANNEL_DB SKIP_MIGRATIONS AUTO_HEAP_SNAPSHOT
DISABLE_EMBEDDED_WEB_UI EXPERIMENTAL_DISABLE_COPY_ON_SELECT EXPERIMENTAL_FILEWATCHER EXPERIMENTAL_DISABLE_FILEWATCHER
EXPERIMENTAL_MARKDOWN DISABLE_LOG_ROTATION
"""
MADE = ("MIMOCODE_ENABLE_{flag}_SKILLS", "MIMOCODE_DISABLE_{FOREIGN[name]}_SKILLS", "MIMOCODE_DISABLE_CLAUDE_CODE{end}")
"""How names are put together in the code."""
OTHERS = {"HTTP_PROXY": "the HTTP library reads it", "SHELL": "the tool for commands and `mimo completion` read it"}


@pytest.mark.parametrize("name", NAMES.split())
def test_every_variable_of_the_original_is_known(name: str) -> None:
    assert (f"MIMOCODE_{name}" in variables.EFFECTS) != (f"MIMOCODE_{name}" in variables.WITHOUT)


def test_what_a_variable_is_said_to_do_is_true() -> None:
    code = source()
    assert all(form in code for form in MADE)
    made = re.compile(
        r"MIMOCODE_(?:EN|DIS)ABLE_(?:CLAUDE_CODE|CODEX|OPENCODE)_SKILLS|MIMOCODE_DISABLE_CLAUDE_CODE_(?:PROMPT|COMMANDS|MCP)"
    )
    for name in variables.EFFECTS.keys() - OTHERS.keys():
        assert re.search(rf"\b{name}\b", code) or made.fullmatch(name), f"nothing reads {name}: say so in WITHOUT"
    for name in variables.WITHOUT:
        assert not re.search(rf"\b{name}\b", code), f"{name} is read now: move it to EFFECTS in ui/variables.py"


def test_the_page_of_what_does_nothing_is_true() -> None:
    page = (ROOT / "plugins/mimocode_plugins/ui/config/README.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    tables = (effects.WITHOUT, variables.WITHOUT)
    assert rows == [f"| `{name}` | {why} |" for table in tables for name, why in sorted(table.items())]


def test_switches_set_what_they_are_said_to_set(cli: Cli) -> None:
    yes = {"MIMOCODE_DISABLE_AUTOCOMPACT": "1", "MIMOCODE_DISABLE_PRUNE": "TRUE", "MIMOCODE_AUTO_SHARE": "1"}
    shown = json.loads(cli("config", "show", **yes, MIMOCODE_DISABLE_SHARE="true", MIMOCODE_DISABLE_AUTOUPDATE="0").out)
    assert shown == {"compaction": {"auto": False, "prune": False}, "share": "disabled"}
    assert "MIMOCODE_* variables" in cli("config", "explain", "share", MIMOCODE_AUTO_SHARE="1").out


def test_variables_are_listed_without_their_values(cli: Cli) -> None:
    done = cli("config", "variables", MIMOCODE_AUTH_CONTENT="{}", MIMOCODE_CODEX_MODE="1", MIMOCODE_TYPO="canary")
    lines = [line for line in done.out.splitlines() if "MODELS_" not in line]  # set for all tests
    assert lines == [
        "* MIMOCODE_AUTH_CONTENT: all credentials, as the text of auth.json",
        "* MIMOCODE_CODEX_MODE: without effect, there is no such thing here",
        "* MIMOCODE_TYPO: unknown",
    ]
    assert len(cli("config", "variables", "--all").out.splitlines()) == len(variables.EFFECTS) + len(variables.WITHOUT)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"permission": {"bsh": "deny", "bash": "ask", "github_get": "ask", "*": "ask"}}, [("permission.bsh", "bash")]),
        ({"permission": "ask", "mcp": [], "agent": {"build": 5}}, []),
        ({"agent": {"build": {"permission": {"Edit": "deny"}}}}, [("agent.build.permission.Edit", "edit")]),
        ({"mcp": {"x": {"enviroment": {}, "command": ["a"], "note": 1}}}, [("mcp.x.enviroment", "environment")]),
        (
            {"provider": {"x": {"baseURL": "u", "options": {"api_key": "k"}}}},
            [("provider.x.baseURL", "options.baseURL"), ("provider.x.options.api_key", "apiKey")],
        ),
    ],
)
def test_names_that_are_nearly_known_ones(data: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert [(".".join(path), meant) for path, meant in misspelt(data)] == found


def test_a_permission_is_no_secret_whatever_its_file_is_called(cli: Cli) -> None:
    cli.settings(permission={"read": {"secrets/*": "deny"}})
    assert '"secrets/*": "deny"' in cli("config", "explain", "permission").out
