"""A finished tool call on the screen: an icon, what it was about, and what is worth seeing of its result."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

from mimocode.events import CallFinished
from mimocode.messages import JSON, Text, ToolCall

from .streams import Screen, one_line

ICONS = {
    "glob": "✱", "grep": "✱", "read": "→", "skill": "→", "write": "←", "edit": "←", "multiedit": "←",
    "apply_patch": "←", "webfetch": "%", "codesearch": "◇", "websearch": "◈", "bash": "$",
}  # fmt: skip
OTHER = "⚙"
ABOUT = ("file_path", "notebook_path", "path", "pattern", "command", "url", "query", "name", "description")
"""Arguments that say what a call is about, the first present one wins."""
TAIL = 12
"""Lines of a command's output that are shown."""
DIFF = 60
"""Lines of a diff that are shown."""


def icon(call: ToolCall, error: bool) -> str:
    """The picture for a finished call (surface.md 1.3)."""
    if call.name == "actor":
        return "✗" if error else "✓"
    return ICONS.get(call.name, OTHER)


def subject(call: ToolCall, display: JSON | None = None) -> str:
    """What a call is about, on one line; a title that the tool hands over for the screen wins over its arguments."""
    arguments = call.arguments
    title = (display or {}).get("title")
    if call.name == "bash":
        return one_line(str(arguments.get("command", "")))
    if call.name in ("glob", "grep"):
        where = f" in {arguments['path']}" if arguments.get("path") else ""
        return one_line(f'{call.name.capitalize()} "{arguments.get("pattern", "")}"{where}')
    about = str(title or next((arguments[key] for key in ABOUT if arguments.get(key)), "") or _asked(arguments))
    if call.name in ICONS:
        return one_line(f"{call.name.replace('_', ' ').capitalize()} {about}".rstrip())
    rest = about or call.malformed or (json.dumps(arguments, ensure_ascii=False, default=str) if arguments else "")
    return one_line(f"{call.name} {rest}".rstrip())


def _asked(arguments: JSON) -> str:
    """The first of some questions."""
    asked = arguments.get("questions")
    first = asked[0] if isinstance(asked, list) and asked else None
    return str(first.get("question", "")) if isinstance(first, dict) else ""


def show_call(screen: Screen, call: ToolCall, event: CallFinished) -> None:
    """Write the lines of one finished call."""
    display: JSON = event.display or {}
    text = "".join(block.text for block in event.content if isinstance(block, Text))
    mark = screen.paint(icon(call, event.error), "red" if event.error else "bold")
    extra = _counted(display)
    about = screen.paint(subject(call, display), *(("bold",) if call.name == "bash" else ()))
    screen.line(f"{mark} {about}{screen.paint(extra, 'dim') if extra else ''}")
    if event.error:
        for line in _tail(text, 6):
            screen.line("  " + screen.paint(line, "red"))
    elif call.name == "bash":
        for line in _tail(str(display.get("output") or text), TAIL):
            screen.line("  " + screen.paint(line, "dim"))
    else:
        show_diff(screen, list(diff_of(call, display)))


def show_diff(screen: Screen, lines: list[str]) -> None:
    """Write a unified diff, indented and in its colours, cut when it is long."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines[:DIFF]:
        style = "bold" if line.startswith(("+++", "---")) else colours.get(line[:1], "dim")
        screen.line("  " + screen.paint(line, style))
    if len(lines) > DIFF:
        screen.line("  " + screen.paint(f"… {len(lines) - DIFF} more lines", "dim"))


def diff_of(call: ToolCall, display: JSON) -> Iterator[str]:
    """The diff that a tool hands over for the screen, else one made from an edit's own arguments."""
    if isinstance(diff := display.get("diff"), str):
        yield from diff.splitlines()
    elif call.name == "edit":
        old, new = (str(call.arguments.get(key, "")).splitlines() for key in ("old_string", "new_string"))
        yield from list(difflib.unified_diff(old, new, lineterm="", n=2))[2:]


def _tail(text: str, count: int) -> list[str]:
    lines = text.strip("\n").splitlines()
    if len(lines) <= count:
        return lines
    return [f"… {len(lines) - count} lines before", *lines[-count:]]


def _counted(display: Any) -> str:
    for key in ("matches", "count", "exit_code", "exit"):
        value = display.get(key)
        if isinstance(value, int) and (value or not key.startswith("exit")):
            return f"  exit code {value}" if key.startswith("exit") else f"  {value} found"
    return ""
