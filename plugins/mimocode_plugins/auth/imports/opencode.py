"""What OpenCode left on this machine; its files have our shape (surface.md 3, 5.5)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import records
from .items import SECRET, Credential, Found, Value, read_json, read_text, server, table, text

TAKEN = ("model", "small_model", "username")


def look(environ: Mapping[str, str], home: Path, root: Path) -> Found:
    """Everything that is there."""
    found = Found()
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "opencode"
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "opencode"
    said = _settings(found, config)
    _providers(found, table(said.get("provider")), "opencode.json")
    _accounts(found, data / "auth.json")
    for key in TAKEN:
        if value := text(said.get(key)):
            found.take(f"{key} {value}", "opencode.json", Value((key,), value))
    for name, entry in table(said.get("mcp")).items():
        wanted: set[str] = set()
        made = server(table(entry), wanted)
        if made is None:
            found.leave(f"MCP server {name}", "opencode.json", "it is neither a command nor an address")
            continue
        if table(entry).get("enabled") is False:
            made["enabled"] = False
        note = f"set {', '.join(sorted(wanted))} in your environment" if wanted else ""
        found.take(f"MCP server {name}", "opencode.json", Value(("mcp", name), made), note=note)
    for key, value in table(said.get("permission")).items():
        if value in ("allow", "ask", "deny"):
            found.take(f"permission {value} {key}", "opencode.json", Value(("permission", key), value))
        for pattern, action in table(value).items():
            if action in ("allow", "ask", "deny"):
                keys = ("permission", key, pattern)
                found.take(f"permission {action} {key} {pattern}", "opencode.json", Value(keys, action))
    if rest := sorted(said.keys() - {*TAKEN, "provider", "mcp", "permission", "$schema"}):
        found.leave(", ".join(rest), "opencode.json", "copy by hand what you want of it: the shape is the same")
    for kind in ("agent", "agents", "command", "commands", "skill", "skills"):
        if (config / kind).is_dir():
            found.leave(f"{kind}", f"opencode/{kind}", f"copy what you want of it to mimocode/{kind}: same format")
    return found


def _settings(found: Found, folder: Path) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in ("config.json", "opencode.json", "opencode.jsonc"):
        written = read_text(folder / name, found, shown=name)
        if not written.strip():
            continue
        try:
            value = json.loads(_plain(written))
        except (ValueError, RecursionError):
            found.faults.append(f"{name} is passed over: it is not JSON")
            continue
        merged |= table(value)
    return merged


def _plain(written: str) -> str:
    """JSON with comments and trailing commas as plain JSON."""
    quiet = r'("(?:[^"\\\r\n]|\\.)*")|//[^\r\n]*|/\*.*?\*/'
    written = re.sub(quiet, lambda hit: hit[1] or " ", written, flags=re.DOTALL)
    return re.sub(r'("(?:[^"\\\r\n]|\\.)*")|,(?=\s*[}\]])', lambda hit: hit[1] or "", written)


def _providers(found: Found, said: Mapping[str, Any], shown: str) -> None:
    for name, entry in said.items():
        entry = table(entry)
        options = table(entry.get("options"))
        key = text(options.get("apiKey"))
        literal = bool(key) and "{env:" not in key and "{file:" not in key
        if "{file:" in json.dumps(entry):
            found.leave(f"provider {name}", shown, "it reads a file beside that settings file")
            continue
        kept = {k: v for k, v in options.items() if not (SECRET.search(k) and "{env:" not in str(v))}
        headers = {k: v for k, v in table(kept.get("headers")).items() if "{env:" in str(v) or not SECRET.search(k)}
        if "headers" in kept:
            kept["headers"] = headers
        made = {**entry, "options": kept} if "options" in entry else dict(entry)
        if made:
            found.take(f"provider {name}", shown, Value(("provider", name), made), f"provider {name}")
        if literal:
            found.take(f"API key of {name}", shown, Credential(name, records.key(key)), f"provider {name}")


def _accounts(found: Found, path: Path) -> None:
    shown = "opencode/auth.json"
    for name, record in read_json(path, found, shown=shown).items():
        if not records.valid(record) or not records.is_name(name):
            found.leave(f"credential {name}", shown, "it makes no sense")
        elif record["type"] == "api":
            found.take(f"API key of {name}", shown, Credential(records.normal(name), dict(record)), f"provider {name}")
        else:
            found.leave(f"login at {name}", shown, "two programs with one login end it for each other; log in here")
