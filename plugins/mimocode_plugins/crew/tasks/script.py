"""The second form of the tool's arguments: one command per line, as on a command line (runtime.md 5.3)."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from mimocode.errors import ToolFailed

MOST = 50
"""Commands in one call."""
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1\s*$")


def operations(operation: Any, script: str) -> list[dict[str, Any]]:
    """What a call asks for, in order, from either form; an object that came as a string of JSON is read as well.

    Raises:
        ToolFailed: it cannot be understood; nothing was done.
    """
    if isinstance(operation, str) and operation.strip():
        text = operation.strip()
        try:
            operation = json.loads(text)
        except ValueError:
            operation, script = None, script or text
    if isinstance(operation, dict):
        operation = [operation]
    if isinstance(operation, list) and operation and all(isinstance(each, dict) for each in operation):
        found = [dict(each) for each in operation]
    else:
        found = list(_commands(script)) if script.strip() else []
    if not found:
        raise ToolFailed('Give operation, as in {"action": "create", "summary": "..."}, or a script.')
    if len(found) > MOST:
        raise ToolFailed(f"{len(found)} operations in one call, at most {MOST}.")
    return found


def _commands(script: str) -> Iterator[dict[str, Any]]:
    rest = script.splitlines()
    while rest:
        line = rest.pop(0).strip()
        extra = ""
        if heredoc := _HEREDOC.search(line):
            line, body = line[: heredoc.start()], list[str]()
            while rest and rest[0].strip() != heredoc[2]:
                body.append(rest.pop(0))
            extra = "\n".join(body)
            rest = rest[1:]
        if line and not line.startswith("#"):
            yield _command(line, extra)


def _command(line: str, extra: str) -> dict[str, Any]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ToolFailed(f"This line cannot be read ({error}): {line}") from None
    if words[:1] == ["task"]:
        words = words[1:]
    if not words:
        raise ToolFailed(f"This line says nothing to do: {line}")
    action, plain, made = words[0], list[str](), dict[str, Any]()
    waiting = ""
    for word in words[1:]:
        if word.startswith("--"):
            waiting, _, value = word[2:].replace("-", "_").partition("=")
            made[waiting] = value or True
            waiting = "" if value else waiting
        elif waiting:
            made[waiting], waiting = word, ""
        else:
            plain.append(word)
    plain += [extra] if extra else []
    names = {"create": ["summary"], "rename": ["id", "summary"], "list": ["status"]}.get(
        action, ["id", "event_summary"]
    )
    made |= (
        dict(zip(names, [*plain[: len(names) - 1], " ".join(plain[len(names) - 1 :])], strict=False)) if plain else {}
    )
    if "parent" in made:
        made["parent_id"] = made.pop("parent")
    return {"action": action} | made
