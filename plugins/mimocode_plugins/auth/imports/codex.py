"""What Codex left on this machine: `~/.codex/auth.json` and `config.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import records
from .items import Credential, Found, Value, read_json, read_text, server, table, text

PROVIDER = "openai"


def look(environ: Mapping[str, str], home: Path, root: Path) -> Found:
    """Everything that is there."""
    found = Found()
    own = Path(environ["CODEX_HOME"]) if environ.get("CODEX_HOME") else home / ".codex"
    _account(found, own / "auth.json")
    shown = "~/.codex/config.toml"
    try:
        config = tomllib.loads(read_text(own / "config.toml", found, shown=shown))
    except (tomllib.TOMLDecodeError, RecursionError):
        found.faults.append(f"{shown} is passed over: it is not TOML")
        config = {}
    _models(found, config, shown)
    for name, entry in table(config.get("mcp_servers")).items():
        wanted: set[str] = set()
        made = server(table(entry), wanted)
        if made is None:
            found.leave(f"MCP server {name}", shown, "it is neither a command nor an address")
            continue
        note = f"set {', '.join(sorted(wanted))} in your environment" if wanted else ""
        found.take(f"MCP server {name}", shown, Value(("mcp", name), made), note=note)
    if (own / "AGENTS.md").is_file():
        found.leave("instructions", "~/.codex/AGENTS.md", "put what you want of it into your own AGENTS.md")
    read = {"model", "model_provider", "model_providers", "mcp_servers"}
    if rest := sorted(config.keys() - read):
        found.leave(", ".join(rest), shown, "these settings mean nothing here")
    return found


def _account(found: Found, path: Path) -> None:
    shown = "~/.codex/auth.json"
    data = read_json(path, found, shown=shown)
    if key := text(data.get("OPENAI_API_KEY")):
        found.take("API key", shown, Credential(PROVIDER, records.key(key)), PROVIDER)
    if text(table(data.get("tokens")).get("refresh_token")):
        why = "two programs with one login end it for each other; `mimo setup chatgpt` makes one of our own"
        found.leave("ChatGPT login", shown, why)


def _models(found: Found, config: Mapping[str, Any], shown: str) -> None:
    providers = table(config.get("model_providers"))
    for name, said in providers.items():
        entry = table(said)
        base = text(entry.get("base_url"))
        if not base or not records.is_name(name):
            found.leave(f"provider {name}", shown, "it has no address")
            continue
        wire = "@ai-sdk/openai" if entry.get("wire_api") == "responses" else "@ai-sdk/openai-compatible"
        made: dict[str, Any] = {"name": text(entry.get("name")) or name, "npm": wire, "options": {"baseURL": base}}
        variable = text(entry.get("env_key"))
        if variable:
            made["env"] = [variable]
        found.take(f"provider {name} at {base}", shown, Value(("provider", name), made))
    model, provider = text(config.get("model")), text(config.get("model_provider")) or PROVIDER
    if model and (provider == PROVIDER or provider in providers):
        found.take(f"model {provider}/{model}", shown, Value(("model",), f"{provider}/{model}"))
