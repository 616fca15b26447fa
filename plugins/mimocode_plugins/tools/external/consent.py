"""What a server's tools looked like when the user took it on. What changes afterwards is not shown to the model.

A stranger's description is text that the model reads as instructions: a server that is harmless on the first day may
say something else on the second (demands.md 4.3, case 24). New tools are taken on; changed ones wait for
`mimo mcp approve`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mimocode.ports import Places

from .known import Known

FRESH = 3600.0
"""Seconds for which a listing counts as new."""
_TOOLS, _SCHEMA, _DESCRIPTION, _NAME = 500, 65_536, 4_000, 64
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""What people do not see and models read."""


@dataclass(frozen=True)
class Settled:
    """What came of a listing: the `catalogue` of tools that are offered, and sentences about the others."""

    catalogue: Path
    offered: tuple[str, ...]
    changed: tuple[str, ...]
    said: tuple[str, ...]


def catalogue(places: Places, server: Known) -> Path:
    """Where the offered tools of a server are kept."""
    return places.cache / "mcp" / f"{server.key}.json"


def keep(places: Places, server: Known, listed: Mapping[str, Sequence[dict[str, Any]]]) -> None:
    """Keep what a server offers besides tools, for commands and mentions of users; models see none of it unasked."""
    kept = {
        kind: [
            {key: _cleaned(item[key]) for key in ("name", "title", "description", "arguments", "uri") if key in item}
            for item in listed[kind][:_TOOLS]
            if item.get("name") and len(json.dumps(item)) <= _SCHEMA
        ]
        for kind in ("prompts", "resources")
    }
    _write(_more(places, server), kept)


def kept(places: Places, server: Known, kind: str) -> list[dict[str, Any]]:
    """The `prompts` or `resources` of a server, as it listed them last."""
    items = _read(_more(places, server)).get(kind, [])
    return items if isinstance(items, list) else []


def _more(places: Places, server: Known) -> Path:
    return places.cache / "mcp" / f"{server.key}.more.json"


def is_fresh(path: Path) -> bool:
    """Whether a catalogue was written lately."""
    try:
        return 0 <= time.time() - path.stat().st_mtime < FRESH
    except OSError:
        return False


def settle(places: Places, server: Known, listed: Sequence[dict[str, Any]], *, approve: bool = False) -> Settled:
    """Compare a listing with what was taken on before, and keep both; `approve` takes everything on as it is."""
    ledger = places.data / "mcp.json"
    table = _read(ledger)
    entry = table.get(server.key)
    before: dict[str, str] = entry.get("tools", {}) if isinstance(entry, dict) and not approve else {}
    tools, said = _usable(server, listed)
    now = {tool["name"]: _digest(tool) for tool in tools}
    changed = tuple(name for name, digest in now.items() if before.get(name, digest) != digest)
    offered = [tool for tool in tools if tool["name"] not in changed]
    kept = {**before, **{tool["name"]: now[tool["name"]] for tool in offered}}
    if entry is None or approve or kept != before:
        table[server.key] = {"server": server.name, "tools": kept}
        _write(ledger, table)
    if changed:
        names = ", ".join(changed)
        said.append(
            f"the MCP server {server.name!r} now describes {names} differently; not offered until you look at it "
            f"with `mimo mcp approve {server.name}`"
        )
    path = catalogue(places, server)
    _write(path, offered)
    return Settled(path, tuple(tool["name"] for tool in offered), changed, tuple(said))


def _usable(server: Known, listed: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    tools: dict[str, dict[str, Any]] = {}
    said: list[str] = []
    for tool in listed[:_TOOLS]:
        name, schema = str(tool.get("name", "")), tool.get("input_schema")
        why = ""
        if not re.search(r"[A-Za-z0-9]", name) or len(f"{server.name}_{name}") > _NAME:
            why = f"its name has more than {_NAME} characters with the server's, or none that count"
        elif not isinstance(schema, dict) or schema.get("type") != "object":
            why = "its schema is not that of an object"
        elif len(json.dumps(schema)) > _SCHEMA:
            why = f"its schema is larger than {_SCHEMA // 1024} KB"
        elif name in tools:
            why = "there is another of that name"
        if why:
            said.append(f"the tool {clean(name)[:80]!r} of the MCP server {server.name!r} is left out: {why}")
        else:
            description = clean(str(tool.get("description") or ""))[:_DESCRIPTION]
            tools[name] = {"name": name, "description": description, "input_schema": _cleaned(schema)}
    if len(listed) > _TOOLS:
        said.append(f"the MCP server {server.name!r} has more than {_TOOLS} tools; the rest is left out")
    return sorted(tools.values(), key=lambda tool: tool["name"]), said


def clean(text: str) -> str:
    """Take out what people do not see and models read."""
    return _HIDDEN.sub("", text)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): _cleaned(item) for key, item in value.items()}
    return value


def _digest(tool: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(tool, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(value, file, indent=1)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
