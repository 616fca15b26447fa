"""What Claude Code left on this machine (surface.md 5.10, and beyond).

Agents, commands, skills, CLAUDE.md and MCP servers are read where they are, by the plugins that know them: a copy would
only grow old. What is taken is what cannot be used in place: keys, addresses, models, permissions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .. import records
from . import keychain
from .items import Credential, Found, Value, parsed, read_json, server, table, text
from .rules import permissions

PROVIDER = "anthropic"
OFFICIAL = "https://api.anthropic.com/v1"
FILES = ("settings.json", "settings.local.json", "settings_local.json")
"""Later ones win."""
_WINDOW = re.compile(r"\[[^\[\]]*\]$")
_READ = {"env", "permissions", "model", "apiKeyHelper", "$schema"}
_ELSEWHERE = re.compile(r"CLAUDE_CODE_USE_\w+|ANTHROPIC_(?:BEDROCK|VERTEX|FOUNDRY)\w*|AWS_\w+|CLOUD_ML_\w+")


def folder(environ: Mapping[str, str], home: Path) -> Path:
    """Where Claude Code keeps its own."""
    return Path(environ["CLAUDE_CONFIG_DIR"]) if environ.get("CLAUDE_CONFIG_DIR") else home / ".claude"


def look(environ: Mapping[str, str], home: Path, root: Path, *, peek: bool = False) -> Found:
    """Everything that is there, for a user with this home who works in the project at `root`.

    `peek` leaves out what the user would be asked about first: the keychain.
    """
    found, own = Found(), folder(environ, home)
    settings: dict[str, tuple[Any, str]] = {}
    variables: dict[str, tuple[str, str]] = {}
    for name in FILES:
        shown = _shown(own / name, home)
        for key, value in read_json(own / name, found, shown=shown).items():
            settings[key] = (value, shown)
            if key == "env":
                said = {k: (v.strip(), shown) for k, v in table(value).items() if isinstance(v, str) and v.strip()}
                variables |= said
    inside = {name for name in environ if name.startswith("ANTHROPIC_")}
    for name in inside - variables.keys():
        if environ[name].strip():
            variables[name] = (environ[name].strip(), "environment")
    _account(found, own, home, variables, settings, None if peek else keychain.of(environ))
    _models(found, variables, settings)
    if "permissions" in settings:
        permissions(found, *settings["permissions"])
    _global(found, home / ".claude.json", home, root, variables)
    _folders(found, environ, own, home, root)
    rest = sorted(settings.keys() - _READ)
    if rest:
        found.leave(", ".join(rest), settings[rest[0]][1], "these settings mean nothing here")
    return found


def _account(
    found: Found,
    own: Path,
    home: Path,
    variables: Mapping[str, tuple[str, str]],
    settings: Mapping[str, Any],
    chain: keychain.Keychain | None,
) -> None:
    key, token = variables.get("ANTHROPIC_API_KEY"), variables.get("ANTHROPIC_AUTH_TOKEN")
    base, helper = variables.get("ANTHROPIC_BASE_URL"), settings.get("apiKeyHelper")
    if not (key or token or helper) and chain is not None and (kept := chain.read(keychain.KEY)):
        # what Claude Code got when its user chose to pay per token
        key = (kept, "macOS keychain")
    if key:
        found.take("API key", key[1], Credential(PROVIDER, records.key(key[0])), PROVIDER)
    elif token:
        record = {**records.key(token[0]), "metadata": {"scheme": "bearer"}}
        found.take("token", token[1], Credential(PROVIDER, record), PROVIDER)
    if base and (key or token or (helper and text(helper[0]))):
        address = versioned(base[0])
        if address != OFFICIAL:
            found.take(
                f"address {address}", base[1], Value(("provider", PROVIDER, "options", "baseURL"), address), PROVIDER
            )
    if helper and text(helper[0]) and not (key or token):
        found.helper, found.helper_source = text(helper[0]), helper[1]
    _login(found, own / ".credentials.json", home, chain)
    if odd := sorted(name for name in variables if _ELSEWHERE.fullmatch(name)):
        found.leave(
            ", ".join(odd), variables[odd[0]][1], "models behind Bedrock, Vertex or Foundry cannot be asked yet"
        )


def _login(found: Found, path: Path, home: Path, chain: keychain.Keychain | None) -> None:
    """The login of a subscription: said, never taken."""
    said, source = read_json(path, found, shown=_shown(path, home)), _shown(path, home)
    if not said and chain is not None and (kept := chain.read(keychain.LOGIN)):
        said, source = parsed(kept), "macOS keychain"
    login = table(said.get("claudeAiOauth"))
    if text(login.get("accessToken")) or text(login.get("refreshToken")):
        ends = login.get("expiresAt")
        stamp = float(ends) if isinstance(ends, int | float) and not isinstance(ends, bool) else 0.0
        until, over = records.until({"expires": stamp}), 0 < stamp / 1000 < time.time()
        plan = text(login.get("subscriptionType"))
        end = f", {'ended' if over else 'good until'} {until}" if until else ""
        what = f"login ({plan}){end}" if plan else f"login{end}"
        found.leave(what, source, "Anthropic's terms keep it to Claude Code; an API key works here")


def _models(found: Found, variables: Mapping[str, tuple[str, str]], settings: Mapping[str, Any]) -> None:
    chosen = settings.get("model", ("", ""))
    chosen = (text(chosen[0]), chosen[1])
    by_alias = {
        "opus": variables.get("ANTHROPIC_DEFAULT_OPUS_MODEL"),
        "sonnet": variables.get("ANTHROPIC_DEFAULT_SONNET_MODEL"),
        "haiku": variables.get("ANTHROPIC_DEFAULT_HAIKU_MODEL") or variables.get("ANTHROPIC_SMALL_FAST_MODEL"),
    }
    named = variables.get("ANTHROPIC_MODEL") or (chosen if chosen[0] else None)
    if named and named[0].lower() in ("default", "opusplan", *by_alias):
        named = by_alias.get(named[0].lower().replace("opusplan", "opus"))
    main = named or by_alias["opus"] or by_alias["sonnet"]
    for key, model in (("model", main), ("small_model", by_alias["haiku"])):
        if model and (name := _WINDOW.sub("", model[0]).strip()):
            found.take(f"{key} {PROVIDER}/{name}", model[1], Value((key,), f"{PROVIDER}/{name}"))


def _global(found: Found, path: Path, home: Path, root: Path, variables: Mapping[str, tuple[str, str]]) -> None:
    """`~/.claude.json`: the key of older versions, and MCP servers."""
    shown = _shown(path, home)
    data = read_json(path, found, shown=shown)
    key = text(data.get("primaryApiKey"))
    if key and not variables.keys() & {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"} and not found.helper:
        found.take("API key", shown, Credential(PROVIDER, records.key(key)), PROVIDER)
    if names := sorted(map(str, table(data.get("mcpServers")))):
        found.use(f"MCP servers {', '.join(names)}", shown)
    here = table(table(data.get("projects")).get(str(root)))
    for name, entry in table(here.get("mcpServers")).items():
        _server(found, str(name), entry, shown)


def _server(found: Found, name: str, entry: Any, shown: str) -> None:
    wanted: set[str] = set()
    made = server(entry, wanted) if isinstance(entry, dict) and entry.get("type") != "sse" else None
    if made is None:
        found.leave(f"MCP server {name}", shown, "it is neither a command nor a streamable HTTP address")
        return
    note = f"set {', '.join(sorted(wanted))} in your environment" if wanted else ""
    found.take(f"MCP server {name} of this project", shown, Value(("mcp", name), made), note=note)


def _folders(found: Found, environ: Mapping[str, str], own: Path, home: Path, root: Path) -> None:
    if (own / "CLAUDE.md").is_file():
        found.use("instructions", _shown(own / "CLAUDE.md", home))
    for kind, pattern in (("agents", "**/*.md"), ("commands", "**/*.md")):
        if count := _count((own / kind).glob(pattern)):
            found.use(f"{count} {kind if count > 1 else kind[:-1]}", _shown(own / kind, home))
    if count := _count((own / "skills").glob("*/SKILL.md")):
        said, shown = f"{count} skill{'s' * (count > 1)}", _shown(own / "skills", home)
        if environ.get("MIMOCODE_ENABLE_CLAUDE_CODE_SKILLS", "").lower() in ("1", "true"):
            found.use(said, shown)
        else:
            found.leave(said, shown, "used where they are when MIMOCODE_ENABLE_CLAUDE_CODE_SKILLS=1")
    for where in (root / "CLAUDE.md", root / ".mcp.json"):
        if where.is_file():
            found.use(where.name, "this project")


def _count(paths: Iterator[Path]) -> int:
    try:
        return sum(1 for _ in paths)
    except OSError:  # a loop of links, a folder that may not be read: what uses it says so
        return 0


def versioned(base: str) -> str:
    """An address as we write it: with the version, without a slash at its end."""
    base = base.strip().rstrip("/")
    return base if re.search(r"/v\d+$", base) else f"{base}/v1"


def _shown(path: Path, home: Path) -> str:
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
