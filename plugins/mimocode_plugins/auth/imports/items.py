"""What an import would take: items that say what they are, where they come from and where they would go."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..records import Record

SECRET = re.compile(
    r"api[-_]?key|secret|passw(or)?d|passphrase|authorization|bearer|cookie|credential|private[-_]?key|token$", re.I
)
"""Names whose values do not belong into a settings file."""
LARGEST = 50_000_000
"""Bytes of a file that is read; Claude Code keeps histories beside its settings."""


@dataclass(frozen=True)
class Credential:
    """A credential to keep."""

    provider: str
    record: Record = field(repr=False)


@dataclass(frozen=True)
class Value:
    """A value to write into the user's settings, where there is none."""

    keys: tuple[str, ...]
    value: Any


@dataclass(frozen=True)
class Item:
    """One thing that was found."""

    what: str
    source: str
    take: Credential | Value | None = None
    """Nothing: it is used where it is, or left out."""
    note: str = ""
    """Why it is left out, or how it is used."""
    used: bool = False
    """It is used where it is, without a copy."""
    group: str = ""
    """Items of a group are taken together or not at all: a key and the address it is sent to."""


@dataclass
class Found:
    """Everything that another agent left, and a sentence for each file that makes no sense."""

    items: list[Item] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    helper: str = ""
    """A command that would print a key; it is only run when the user says so."""
    helper_source: str = ""

    def take(self, what: str, source: str, it: Credential | Value, group: str = "", note: str = "") -> None:
        """Something to be taken."""
        self.items.append(Item(what, source, it, note=note, group=group))

    def leave(self, what: str, source: str, why: str) -> None:
        """Something that is named and not taken."""
        self.items.append(Item(what, source, note=why))

    def use(self, what: str, source: str, how: str = "") -> None:
        """Something that already counts, where it is."""
        self.items.append(Item(what, source, note=how, used=True))


def read_json(path: Path, found: Found, *, shown: str) -> dict[str, Any]:
    """The object in a file; {} when there is none, with a fault when it makes no sense (never quoting the text)."""
    text = read_text(path, found, shown=shown)
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        found.faults.append(f"{shown} is passed over: it is not JSON")
        return {}
    if not isinstance(value, dict):
        found.faults.append(f"{shown} is passed over: it is not an object")
        return {}
    return value


def parsed(written: str) -> dict[str, Any]:
    """The object that a text is; {} when it is none."""
    try:
        return table(json.loads(written))
    except (ValueError, RecursionError):
        return {}


def read_text(path: Path, found: Found, *, shown: str) -> str:
    """The text of a file; "" when there is none, with a fault when it cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            found.faults.append(f"{shown} is passed over: it is larger than {LARGEST // 1_000_000} MB")
            return ""
        return path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except UnicodeDecodeError:
        found.faults.append(f"{shown} is passed over: it is not UTF-8 text")
    except OSError as error:
        found.faults.append(f"{shown} is passed over: {error.strerror}")
    return ""


def table(value: Any) -> dict[str, Any]:
    """A value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """A value if it is text, without white space around it; else ""."""
    return value.strip() if isinstance(value, str) else ""


def server(entry: Mapping[str, Any], names: set[str]) -> dict[str, Any] | None:
    """An MCP server in our words; what its variables and headers hold becomes references, collected in `names`.

    None when it is neither a command nor an address.
    """
    url, command = text(entry.get("url")), entry.get("command")
    if url:
        made: dict[str, Any] = {"type": "remote", "url": url}
        headers = {**table(entry.get("headers")), **table(entry.get("http_headers"))}
        if variable := text(entry.get("bearer_token_env_var")):
            headers["Authorization"] = f"Bearer {{env:{variable}}}"
        if headers:
            made["headers"] = {key: _reference(key, value, names) for key, value in headers.items()}
        return made
    words = [command] if isinstance(command, str) else command
    extra = entry.get("args") or []
    if not isinstance(words, list) or not isinstance(extra, list) or not words:
        return None
    if not all(isinstance(word, str) for word in [*words, *extra]):
        return None
    made = {"type": "local", "command": [*words, *extra]}
    environment = {**table(entry.get("env")), **table(entry.get("environment"))}
    if environment:
        made["environment"] = {key: _reference(key, value, names) for key, value in environment.items()}
    return made


def _reference(name: str, value: Any, names: set[str]) -> str:
    """A value of a variable or header: as it is when it cannot be a secret, else a reference to the environment."""
    said = str(value)
    if "{env:" in said or said.lower() in ("", "0", "1", "true", "false"):
        return said
    variable = re.sub(r"\W+", "_", name).upper()
    names.add(variable)
    return f"{{env:{variable}}}"
