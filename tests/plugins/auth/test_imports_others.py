"""What Codex and OpenCode left is taken over by the same rules."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.cli import Cli
from support.model_server import ModelServer

KEY, TOKEN = "sk-canary-dddddddddddddddddddd", "canary-token-eeeeeeeeeeeeeeee"

CODEX = """
model = "test-model"
model_provider = "local"
approval_policy = "never"
[model_providers.local]
name = "Mine"
base_url = "%s/v1"
env_key = "LOCAL_KEY"
wire_api = "chat"
[model_providers.none]
name = "No address"
[mcp_servers.docs]
command = "no-such-program"
args = ["-y", "docs"]
env = { DOCS_TOKEN = "canary-token-eeeeeeeeeeeeeeee" }
[mcp_servers.web]
url = "http://127.0.0.1:9/mcp"
bearer_token_env_var = "WEB_TOKEN"
[mcp_servers.odd]
args = []
"""

OPENCODE = """{
  // mine
  "model": "acme/test-model",
  "theme": "dark",
  "provider": {
    "acme": {"npm": "@ai-sdk/openai-compatible", "models": {"test-model": {}},
      "options": {"baseURL": "%s/v1", "apiKey": "sk-canary-dddddddddddddddddddd",
                  "headers": {"X-Api-Key": "canary-token-eeeeeeeeeeeeeeee", "X-Team": "a"}}},
    "filed": {"options": {"apiKey": "{file:key}"}},
  },
  "mcp": {"fs": {"type": "local", "command": ["no-such-program", "fs"], "enabled": false}, "odd": 5},
  "permission": {"bash": {"git *": "allow", "rm *": "maybe"}, "edit": "ask"},
}
"""


def lay(cli: Cli, name: str, content: str | dict[str, Any]) -> None:
    path = cli.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def settings(cli: Cli) -> dict[str, Any]:
    return json.loads((cli.home / ".config/mimocode/mimocode.jsonc").read_text())


def auth(cli: Cli) -> dict[str, Any]:
    return json.loads((cli.home / ".local/share/mimocode/auth.json").read_text())


def test_codex(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}]) as server:
        lay(cli, ".codex/auth.json", {"OPENAI_API_KEY": KEY, "tokens": {"refresh_token": TOKEN, "access_token": TOKEN}})
        lay(cli, ".codex/config.toml", CODEX % server.url)
        lay(cli, ".codex/AGENTS.md", "Be brief.")
        done = cli("auth", "import", "codex", "--yes")
        assert done.code == 0, done.err
        assert auth(cli) == {"openai": {"type": "api", "key": KEY}}
        assert settings(cli) == {
            "provider": {
                "local": {
                    "name": "Mine",
                    "npm": "@ai-sdk/openai-compatible",
                    "options": {"baseURL": f"{server.url}/v1"},
                    "env": ["LOCAL_KEY"],
                }
            },
            "model": "local/test-model",
            "mcp": {
                "docs": {
                    "type": "local",
                    "command": ["no-such-program", "-y", "docs"],
                    "environment": {"DOCS_TOKEN": "{env:DOCS_TOKEN}"},
                },
                "web": {
                    "type": "remote",
                    "url": "http://127.0.0.1:9/mcp",
                    "headers": {"Authorization": "Bearer {env:WEB_TOKEN}"},
                },
            },
        }
        for part in ("ChatGPT login", "provider none", "MCP server odd", "approval_policy", "instructions"):
            assert part in done.out
        assert "nothing is new" in cli("auth", "import", "codex", "--yes").err
        answer = cli("run", "Hi", LOCAL_KEY="k-1")
        assert (answer.code, answer.out) == (0, "Hello.\n"), answer.err
    assert KEY not in done.out + done.err
    assert TOKEN not in done.out + done.err
    cli("auth", "import", "codex", "--undo")
    assert (auth(cli), settings(cli)) == ({}, {})


def test_opencode(cli: Cli) -> None:
    with ModelServer([{"text": "Hello."}]) as server:
        lay(cli, ".config/opencode/opencode.jsonc", OPENCODE % server.url)
        records = {
            "groq": {"type": "api", "key": KEY},
            "anthropic": {"type": "oauth", "refresh": TOKEN, "access": TOKEN, "expires": 1},
            "odd": {"type": "api"},
            "../up": {"type": "api", "key": TOKEN},
        }
        lay(cli, ".local/share/opencode/auth.json", records)
        (cli.home / ".config/opencode/agent").mkdir()
        done = cli("auth", "import", "opencode", "--yes")
        assert done.code == 0, done.err
        assert auth(cli) == {"acme": {"type": "api", "key": KEY}, "groq": {"type": "api", "key": KEY}}
        assert settings(cli) == {
            "provider": {
                "acme": {
                    "npm": "@ai-sdk/openai-compatible",
                    "models": {"test-model": {}},
                    "options": {"baseURL": f"{server.url}/v1", "headers": {"X-Team": "a"}},
                }
            },
            "model": "acme/test-model",
            "mcp": {"fs": {"type": "local", "command": ["no-such-program", "fs"], "enabled": False}},
            "permission": {"bash": {"git *": "allow"}, "edit": "ask"},
        }
        for part in ("provider filed", "login at anthropic", "credential odd", "MCP server odd", "theme", "agent"):
            assert part in done.out
        assert KEY not in done.out + done.err
        assert TOKEN not in done.out + done.err
        answer = cli("run", "Hi")
        assert (answer.code, answer.out) == (0, "Hello.\n"), answer.err
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("source", "name", "content", "fault"),
    [
        ("codex", ".codex/config.toml", "model = ", "~/.codex/config.toml is passed over: it is not TOML"),
        (
            "codex",
            ".codex/auth.json",
            '{"OPENAI_API_KEY": "' + KEY,
            "~/.codex/auth.json is passed over: it is not JSON",
        ),
        ("opencode", ".config/opencode/opencode.json", "{]}", "opencode.json is passed over: it is not JSON"),
        ("opencode", ".local/share/opencode/auth.json", "[]", "opencode/auth.json is passed over: it is not an object"),
    ],
)
def test_files_that_make_no_sense_are_named(cli: Cli, source: str, name: str, content: str, fault: str) -> None:
    lay(cli, name, content)
    done = cli("auth", "import", source, "--yes")
    assert (done.code, fault in done.out) == (0, True)
    assert KEY not in done.out + done.err
    assert not (cli.home / ".config/mimocode").exists()
