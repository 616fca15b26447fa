"""Reads front matter that was written for Claude Code: other names for tools, models and limits.

Source: the documented fields of Claude Code's subagents. OpenCode's agent files need no translation (surface.md 8.2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .permission import KEYS

TOOLS = {"multiedit": "edit", "notebookedit": "edit", "ls": "list", "task": "actor", "agent": "actor"}
"""Tools that have another name here; the rest is the same in lower case."""
SILENT = {"name", "model", "effort", "color", "skills"}
"""Fields that lose nothing that would surprise their author."""
WITHOUT_EFFECT = {"hooks", "mcpServers", "background", "memory", "isolation", "initialPrompt"}
"""Fields that ask for something that an agent file cannot give here."""
READ_ONLY_MODE = "plan"
_NAMED = re.compile(r"\s*([^\s(,]+)\s*(?:\(([^)]*)\))?\s*,?")


def translated(meta: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The same in our words, and the names of fields that have no effect. All such agents are subagents."""
    said = {key: value for key, value in meta.items() if key not in SILENT | WITHOUT_EFFECT}
    lost = sorted(meta.keys() & WITHOUT_EFFECT)
    given, refused = list(_tools(said.pop("tools", None))), list(_tools(said.pop("disallowedTools", None)))
    permission: dict[str, Any] = {}
    if given and not any(name == "*" for name, _ in given):
        said["tool_allowlist"] = list(dict.fromkeys(name for name, _ in given))
    for name, pattern in given:
        if pattern and name == "bash":
            permission.setdefault("bash", {"*": "deny"})[_pattern(pattern)] = "allow"
    for name, pattern in refused:
        rules = permission.setdefault(KEYS.get(name, name), {})
        rules[_pattern(pattern) if pattern else "*"] = "deny"
    if permission:
        said["permission"] = permission
    if "maxTurns" in said:
        said["steps"] = said.pop("maxTurns")
    if said.pop("permissionMode", "") == READ_ONLY_MODE:
        said["read_only"] = True
    if "/" in str(meta.get("model", "")):
        said["model"] = meta["model"]
    if isinstance(meta.get("color"), str):
        said["color"] = meta["color"]
    return {"mode": "subagent", **said}, lost


def _tools(said: Any) -> Iterator[tuple[str, str]]:
    """(tool in our words, pattern or "") for "Read, Bash(git log:*)" or a list of such."""
    lines: Iterable[Any] = said if isinstance(said, list) else [said] if isinstance(said, str) else ()
    for line in map(str, lines):
        for found in _NAMED.finditer(line):
            name = found[1].lower()
            yield TOOLS.get(name, name), (found[2] or "").strip()


def _pattern(pattern: str) -> str:
    """`git log:*` means `git log`, with or without arguments."""
    return re.sub(r":\*$", " *", pattern)
