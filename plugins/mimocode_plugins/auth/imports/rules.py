"""Claude Code's permissions in our words, never wider than they were.

Its rules are `Tool` or `Tool(specifier)`; of allow, ask and deny the strictest wins. Here the last match wins, so what
is allowed comes first. In its paths `*` stops at a slash and in ours it does not: an allowed path is only taken where
that makes no difference. Source: the documentation of Claude Code's settings, surface.md 7.
"""

from __future__ import annotations

import re
from typing import Any

from .items import Found, Value, table, text

_RULE = re.compile(r"\s*(mcp__[\w.-]+|[A-Za-z]+)\s*(?:\((.*)\))?\s*", re.DOTALL)
TOOLS = {
    "bash": "bash",
    "read": "read",
    "edit": "edit",
    "write": "edit",
    "multiedit": "edit",
    "notebookedit": "edit",
    "glob": "glob",
    "grep": "grep",
    "ls": "list",
    "webfetch": "webfetch",
    "websearch": "websearch",
    "task": "actor",
    "agent": "actor",
    "skill": "skill",
}
PATHS = ("read", "edit", "glob", "grep", "list")
PLAIN = ("webfetch", "websearch")
"""Keys that take an action and no patterns."""


def permissions(found: Found, said: Any, shown: str) -> None:
    """Take over what the `permissions` of a settings file say."""
    said = table(said)
    taken: dict[tuple[str, ...], tuple[str, str]] = {}
    for action in ("allow", "ask", "deny"):
        lines = said.get(action)
        for line in lines if isinstance(lines, list) else []:
            rule = translated(line, action) if isinstance(line, str) else "it is no text"
            if isinstance(rule, str):
                found.leave(f"permission {action} {line!r}", shown, rule)
            else:
                key, pattern, verdict = rule
                keys: tuple[str, ...] = ("permission", key) if key in PLAIN else ("permission", key, pattern)
                taken.pop(keys, None)  # the strictest comes last, and wins
                taken[keys] = (verdict, f"permission {verdict} {key} {pattern}")
    for keys, (verdict, what) in taken.items():
        found.take(what, shown, Value(keys, verdict))
    mode = text(said.get("defaultMode"))
    if mode and mode != "default":
        hint = {"plan": "begin with `mimo --agent plan`", "bypassPermissions": "`mimo --yolo` does it, once"}
        found.leave(f"mode {mode}", shown, hint.get(mode, "approve with `s` or `a` when you are asked"))
    if said.get("additionalDirectories"):
        found.leave("additional directories", shown, "the agent asks when it goes there")


def translated(line: str, action: str) -> tuple[str, str, str] | str:
    """(key, pattern, action) of a rule, or why there is none."""
    parsed = _RULE.fullmatch(line)
    if parsed is None:
        return "it is no rule"
    name, inside = parsed[1], (parsed[2] or "").strip()
    if name.startswith("mcp__"):
        tool = re.sub(r"[^A-Za-z0-9_-]", "_", name[5:].replace("__", "_", 1))
        return (tool if "__" in name[5:] else f"{tool}_*", "*", action)
    key = TOOLS.get(name.lower())
    if key is None:
        return "there is no such tool here"
    if key in PLAIN:
        if inside and action == "allow":
            return "single sites cannot be allowed here"
        return key, "*", "ask" if inside else action
    if inside in ("", "*", "**"):
        return key, "*", action
    if key in PATHS:
        return _path(key, inside, action)
    return key, re.sub(r":\*$", " *", inside), action


def _path(key: str, inside: str, action: str) -> tuple[str, str, str] | str:
    pattern = inside.removeprefix("/") if inside.startswith("//") else inside
    if inside.startswith("/") and not inside.startswith("//"):
        pattern = inside[1:]  # beginning at the folder of the settings; ours begin at the project
        if action == "allow":
            return "it speaks of the folder of the settings file"
    pattern = pattern.removeprefix("./")
    whole = pattern.endswith("/**") or pattern == "**"
    stem = pattern[:-3] if pattern.endswith("/**") else pattern
    if action == "allow" and (set("*?[{!") & set("" if pattern == "**" else stem)):
        return "its pattern would allow more here than it did"
    return key, f"{stem}/*" if whole and pattern != "**" else pattern.replace("**/", "*").replace("**", "*"), action
