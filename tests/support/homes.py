"""Home directories as Claude Code leaves them, old and new, whole and broken, and what an import makes of each."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

KEY = "sk-ant-canary-aaaaaaaaaaaaaaaaaaaa"
OTHER = "sk-ant-canary-bbbbbbbbbbbbbbbbbbbb"
TOKEN = "canary-token-cccccccccccccccc"
SECRETS = (KEY, OTHER, TOKEN)
PROXY = "https://proxy.example/anthropic"
BASE = {"provider": {"anthropic": {"options": {"baseURL": f"{PROXY}/v1"}}}}
LATER = int((time.time() + 86_400) * 1000)
KNOWN = "claude-sonnet-5"
"""A model of the shipped catalogue."""


@dataclass(frozen=True)
class Home:
    """Files below the home directory (a string is a text, a tuple ("->", target) a link), and what comes of them."""

    name: str
    files: dict[str, Any]
    credentials: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    says: tuple[str, ...] = ()
    """Parts of lines of the preview."""
    environ: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    """Credentials that the user has before."""
    own: dict[str, Any] = field(default_factory=dict)
    """Settings that the user has before."""


def env(**variables: str) -> dict[str, Any]:
    """A settings file that sets variables."""
    return {"env": variables}


def key(secret: str = KEY, **more: Any) -> dict[str, Any]:
    """The credential that comes of a key."""
    return {"anthropic": {"type": "api", "key": secret, **more}}


def allow(*rules: str) -> dict[str, Any]:
    """A settings file that allows."""
    return {"permissions": {"allow": list(rules)}}


S, L, U, J = ".claude/settings.json", ".claude/settings.local.json", ".claude/settings_local.json", ".claude.json"

HOMES = [
    Home("nothing", {}, says=("nothing was found",)),
    Home("an empty folder", {".claude/projects/.keep": ""}, says=("nothing was found",)),
    Home("a key", {S: env(ANTHROPIC_API_KEY=KEY)}, key(), says=("API key, ~/.claude/settings.json: is taken",)),
    Home(
        "several settings files, the later wins",
        {S: env(ANTHROPIC_API_KEY=OTHER), L: env(ANTHROPIC_API_KEY=TOKEN), U: env(ANTHROPIC_API_KEY=KEY)},
        key(),
        says=("API key, ~/.claude/settings_local.json: is taken",),
    ),
    Home(
        "a proxy",
        {S: env(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=f" {PROXY}/ ")},
        key(),
        BASE,
        (f"address {PROXY}/v1, ~/.claude/settings.json: is taken",),
    ),
    Home("the usual address", {S: env(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL="https://api.anthropic.com")}, key()),
    Home(
        "a token and no key",
        {S: env(ANTHROPIC_AUTH_TOKEN=TOKEN, ANTHROPIC_BASE_URL=PROXY)},
        key(TOKEN, metadata={"scheme": "bearer"}),
        BASE,
    ),
    Home("an address without a key", {S: env(ANTHROPIC_BASE_URL=PROXY)}, says=("nothing was found",)),
    Home(
        "models, with the suffix for long windows",
        {S: env(ANTHROPIC_API_KEY=KEY, ANTHROPIC_DEFAULT_OPUS_MODEL=f"{KNOWN}[1m]", ANTHROPIC_SMALL_FAST_MODEL="mini")},
        key(),
        {
            "model": f"anthropic/{KNOWN}",
            "small_model": "anthropic/mini",
            "provider": {"anthropic": {"models": {"mini": {"name": "mini"}}}},
        },
    ),
    Home(
        "an alias of a model",
        {S: {**env(ANTHROPIC_API_KEY=KEY, ANTHROPIC_DEFAULT_SONNET_MODEL=KNOWN), "model": "sonnet"}},
        key(),
        {"model": f"anthropic/{KNOWN}"},
    ),
    Home("an alias that nothing explains", {S: {**env(ANTHROPIC_API_KEY=KEY), "model": "opusplan"}}, key()),
    Home("a key of the environment", {}, key(), BASE, environ={"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": PROXY}),
    Home(
        "settings before the environment",
        {S: env(ANTHROPIC_API_KEY=KEY)},
        key(),
        environ={"ANTHROPIC_API_KEY": OTHER},
    ),
    Home(
        "broken JSON beside good",
        {S: '{"env": {"ANTHROPIC_API_KEY": "' + OTHER, L: env(ANTHROPIC_API_KEY=KEY)},
        key(),
        says=("~/.claude/settings.json is passed over: it is not JSON",),
    ),
    Home(
        "files that are something else",
        {S: "[1, 2]", L: b"\xff\xfe\x00", U: "", J: '"text"', ".claude/.credentials.json": "{}}"},
        says=(
            "~/.claude/settings.json is passed over: it is not an object",
            "~/.claude/settings.local.json is passed over: it is not UTF-8 text",
            "~/.claude.json is passed over: it is not an object",
            "~/.claude/.credentials.json is passed over: it is not JSON",
        ),
    ),
    Home(
        "values of the wrong kind",
        {
            S: {"env": ["ANTHROPIC_API_KEY"], "permissions": "all", "model": 7, "apiKeyHelper": {"run": 1}},
            L: {"env": {"ANTHROPIC_API_KEY": 5, "ANTHROPIC_BASE_URL": None}, "permissions": {"allow": "Bash"}},
            J: {"mcpServers": [], "projects": 5, "primaryApiKey": []},
            ".claude/.credentials.json": {"claudeAiOauth": {"accessToken": TOKEN, "expiresAt": "soon"}},
        },
        says=("Anthropic's terms keep it to Claude Code",),
    ),
    Home("an old file with the key in it", {J: {"primaryApiKey": KEY}}, key(), says=("~/.claude.json: is taken",)),
    Home(
        "the login of a subscription",
        {
            ".claude/.credentials.json": {
                "claudeAiOauth": {
                    "accessToken": TOKEN,
                    "refreshToken": OTHER,
                    "expiresAt": LATER,
                    "subscriptionType": "max",
                }
            }
        },
        says=("login (max), good until 2", "Anthropic's terms keep it to Claude Code"),
    ),
    Home(
        "a login that ended",
        {".claude/.credentials.json": {"claudeAiOauth": {"accessToken": TOKEN, "expiresAt": 1_600_000_000_000}}},
        says=("login, ended 2020-09-13",),
    ),
    Home(
        "permissions of all kinds",
        {
            S: {
                "permissions": {
                    "allow": [
                        "Bash(git log:*)",
                        "Bash(npm run test)",
                        "Edit(docs/**)",
                        "Read(src/*.py)",
                        "WebSearch",
                        "mcp__files__read_it",
                        "mcp__files",
                        "Nonsense(x)",
                        "???",
                        5,
                    ],
                    "ask": ["Bash(git push:*)", "WebFetch"],
                    "deny": [
                        "Read(./.env)",
                        "Read(~/.ssh/**)",
                        "Write(/build/**)",
                        "Bash(npm run test)",
                        "WebFetch(domain:evil.example)",
                    ],
                    "defaultMode": "plan",
                    "additionalDirectories": ["../other"],
                }
            }
        },
        settings={
            "permission": {
                "bash": {"git log *": "allow", "git push *": "ask", "npm run test": "deny"},
                "edit": {"docs/*": "allow", "build/*": "deny"},
                "websearch": "allow",
                "files_read_it": {"*": "allow"},
                "files_*": {"*": "allow"},
                "webfetch": "ask",
                "read": {".env": "deny", "~/.ssh/*": "deny"},
            }
        },
        says=(
            "its pattern would allow more here",
            "there is no such tool here",
            "it is no rule",
            "it is no text",
            "mode plan",
            "additional directories",
        ),
    ),
    Home(
        "rules of the user's own are not weakened",
        {S: {"permissions": {"allow": ["Bash(git push:*)", "Read(a)"], "deny": ["Bash(rm:*)"]}}},
        settings={"permission": {"bash": {"git *": "deny", "rm *": "deny"}, "read": {"a": "allow"}}},
        own={"permission": {"bash": {"git *": "deny"}}},
        says=("permission allow bash git push *, ~/.claude/settings.json: is left out (you have rules of your own",),
    ),
    Home(
        "one answer to everything stays",
        {S: allow("Bash(ls:*)")},
        settings={"permission": "ask"},
        own={"permission": "ask"},
        says=("is left out, you have another",),
    ),
    Home(
        "a key of one's own stays, and is sent nowhere else",
        {S: env(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=PROXY)},
        key(OTHER),
        kept=key(OTHER),
        says=("API key, ~/.claude/settings.json: is left out, you have another", "belong together"),
    ),
    Home(
        "an address of one's own gets no other key",
        {S: env(ANTHROPIC_API_KEY=KEY)},
        settings={"provider": {"anthropic": {"options": {"baseURL": "https://mine.example/v1"}}}},
        own={"provider": {"anthropic": {"options": {"baseURL": "https://mine.example/v1"}}}},
        says=("API key, ~/.claude/settings.json: is left out (a key and the address",),
    ),
    Home(
        "a model of one's own stays",
        {S: {**env(ANTHROPIC_API_KEY=KEY), "model": KNOWN}},
        key(),
        {"model": "acme/mine"},
        own={"model": "acme/mine"},
    ),
    Home(
        "MCP servers, for all projects and for this one",
        {
            J: {
                "mcpServers": {"everywhere": {"command": "npx"}},
                "projects": {
                    "<root>": {
                        "mcpServers": {
                            "here": {"command": "node", "args": ["s.js"], "env": {"API_TOKEN": TOKEN, "DEBUG": "1"}},
                            "web": {"type": "http", "url": "https://x.example/mcp", "headers": {"X-Key": KEY}},
                            "old": {"type": "sse", "url": "https://x.example/sse"},
                            "odd": {"command": [1]},
                        }
                    },
                    "/elsewhere": {"mcpServers": {"other": {"command": "x"}}},
                },
            }
        },
        settings={
            "mcp": {
                "here": {
                    "type": "local",
                    "command": ["node", "s.js"],
                    "environment": {"API_TOKEN": "{env:API_TOKEN}", "DEBUG": "1"},
                },
                "web": {"type": "remote", "url": "https://x.example/mcp", "headers": {"X-Key": "{env:X_KEY}"}},
            }
        },
        says=("MCP servers everywhere, ~/.claude.json: is used", "MCP server old", "MCP server odd", "set API_TOKEN"),
    ),
    Home(
        "agents, commands, skills and instructions",
        {
            ".claude/CLAUDE.md": "Be brief.",
            ".claude/agents/a.md": "---\nname: a\n---\nx",
            ".claude/agents/team/b.md": "x",
            ".claude/commands/c.md": "x",
            ".claude/skills/s/SKILL.md": "---\nname: s\ndescription: d\n---\n",
            ".claude/skills/broken/notes.txt": "x",
        },
        says=(
            "instructions, ~/.claude/CLAUDE.md: is used where it is",
            "2 agents",
            "1 command,",
            "1 skill, ~/.claude/skills: is left out (used where",
        ),
    ),
    Home(
        "links in the place of files",
        {
            "dotfiles/s.json": env(ANTHROPIC_API_KEY=KEY),
            S: ("->", "../dotfiles/s.json"),
            L: ("->", "nowhere.json"),
            ".claude/agents": ("->", "."),
        },
        key(),
    ),
    Home(
        "a folder in the place of a file",
        {S + "/x": "", L: env(ANTHROPIC_API_KEY=KEY)},
        key(),
        says=("~/.claude/settings.json is passed over",),
    ),
    Home(
        "a folder elsewhere",
        {"cc/settings.json": env(ANTHROPIC_API_KEY=KEY), S: env(ANTHROPIC_API_KEY=OTHER)},
        key(),
        environ={"CLAUDE_CONFIG_DIR": "<home>/cc"},
        says=("API key, ~/cc/settings.json: is taken",),
    ),
    Home(
        "another cloud",
        {S: env(CLAUDE_CODE_USE_BEDROCK="1", ANTHROPIC_VERTEX_PROJECT_ID="p")},
        says=("Bedrock, Vertex or Foundry",),
    ),
    Home(
        "a file with a mark at its start, and what means nothing here",
        {S: "\ufeff" + json.dumps({**env(ANTHROPIC_API_KEY=KEY), "hooks": {"Stop": []}, "statusLine": {}})},
        key(),
        says=("hooks, statusLine, ~/.claude/settings.json: is left out",),
    ),
    Home(
        "a name that would spoil the screen",
        {S: allow("Bash(\u001b[2Jls\n\u202e:*)")},
        settings={"permission": {"bash": {"\u001b[2Jls\n\u202e *": "allow"}}},
        says=(r"\x1b[2Jls\n\u202e *",),
    ),
]
