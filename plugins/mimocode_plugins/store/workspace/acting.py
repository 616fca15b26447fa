"""What a folder brings that would act: servers, hooks, plugins, scripts, agents, settings that redirect.

Trust is for the content of exactly these files, and of the files of the folder that settings among them name: what
`{file:...}` brings in, and scripts that a server is started with. Programs that those load in turn are out of sight.
Instructions (`AGENTS.md`) are not among them: they are text that guards stand in front of, whoever wrote it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import jsonc

_SETTINGS = ("mimocode.json", "mimocode.jsonc", ".mimocode/mimocode.json", ".mimocode/mimocode.jsonc")
_FILES = (*_SETTINGS, ".mcp.json", ".claude.json", ".claude/settings.json", ".claude/settings.local.json")
_FOLDERS = {
    ".mimocode": "agent agents mode modes command commands skill skills plugin plugins hook hooks tool tools",
    ".claude": "agents commands skills plugins hooks",
    ".agents": "skills",
}
_KINDS = {"mode": "agent", "modes": "agent", "tools": "tool"}
_FENCE = re.compile(r"^---[ \t]*(?:\n|\Z)", re.MULTILINE)
_KEY = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:")
_PROSE = (".md", ".txt", ".markdown")
_SPEAKING = ("permission", "tools", "instructions", "model", "small_model", "default_agent")
"""Settings that the project may have untrusted, because alone they only tighten or say nothing new."""
_WORDS = re.compile(r"[\s'\"=;|&<>()]+")
"""What stands between names of files in a text for a shell."""
MOST, LARGEST = 3_000, 20_000_000
"""Files and folders that are looked at, and bytes of one of them; a folder with more is never trusted as a whole."""
DEEPEST = 12


@dataclass(frozen=True)
class Acting:
    """One file that would act: where it is, what it is, what it would do, and the hash of its content."""

    path: str
    kind: str
    says: str
    digest: str


def acting(directory: Path, root: Path) -> list[Acting]:
    """Everything of the folders from the project's root down to a directory, in order."""
    found: list[Acting] = []
    named: dict[Path, str] = {}
    folders = [each for each in (directory, *directory.parents) if each.is_relative_to(root)][::-1] or [directory]
    looked = 0
    for folder in folders:
        for path, kind in _candidates(folder):
            looked += 1
            if looked > MOST:
                found.append(
                    Acting(str(folder), "too much", f"more than {MOST} files and folders that could act", "never")
                )
                return found
            found += _look(path, kind)
            if kind == "settings":
                named |= dict.fromkeys(_named(path, root), path.name)
    seen = {each.path for each in found}
    return found + [_program(file, by) for file, by in named.items() if str(file) not in seen]


def _candidates(folder: Path) -> Iterator[tuple[Path, str]]:
    for name in _FILES:
        if (folder / name).is_file():
            yield folder / name, "settings"
    for place, names in _FOLDERS.items():
        for name in names.split():
            kind = _KINDS.get(name, name.rstrip("s"))
            for where, inner, files in os.walk(folder / place / name, followlinks=True):
                inner[:] = sorted(each for each in inner if each not in ("node_modules", ".git"))
                if len(Path(where).relative_to(folder).parts) > DEEPEST:
                    inner.clear()  # also ends a link that leads to its own folder
                yield Path(where), kind  # folders count, too: a link may lead to the whole disk
                yield from ((Path(where) / file, kind) for file in sorted(files) if _matters(file, kind))


def _matters(file: str, kind: str) -> bool:
    """Whether a file of this name can act; of most that cannot the name says so, and they need not be read."""
    prose = file.lower().endswith(_PROSE)
    return not prose if kind == "skill" else file.lower().endswith(".md") if kind in ("agent", "command") else True


def _look(path: Path, kind: str) -> Iterator[Acting]:
    try:
        if not path.is_file():  # a folder; or a pipe or a device, which nobody loads and no reading would end
            return
        data = path.read_bytes() if path.stat().st_size <= LARGEST else b""
        digest = hashlib.sha256(data).hexdigest() if data or not path.stat().st_size else "never"
    except OSError:
        return
    says = _said(path, kind, data)
    if says:
        yield Acting(str(path), kind, says, digest)


def _named(path: Path, root: Path) -> Iterator[Path]:
    """The files of the folder that a file of settings names, but for those that are only text for the model."""
    try:
        data = jsonc.parse(jsonc.quote_references(path.read_text("utf-8-sig")), "")
    except Exception:  # nobody can load it either
        return
    acts = {key: value for key, value in data.items() if key not in _SPEAKING} if isinstance(data, dict) else {}
    words: list[str] = []
    for said in _strings(acts):
        words += [said, *_WORDS.split(said), *(name for kind, name in jsonc.references(said) if kind == "file")]
    for word in dict.fromkeys(words):
        for base in (root, path.parent):
            try:
                if word and (base / word).is_file() and (base / word).resolve().is_relative_to(root.resolve()):
                    yield base / word
            except (OSError, ValueError):  # too long, or no name of a file
                continue


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _strings(each)


def _program(file: Path, by: str) -> Acting:
    """What settings name may be large: then its time of change, which nobody can set, stands for its content."""
    try:
        about = file.stat()
        data = file.read_bytes() if about.st_size <= LARGEST else f"{about.st_size} {about.st_ctime_ns}".encode()
    except OSError:
        data = b""
    return Acting(str(file), "program", f"is named by {by}, which may run or read it", hashlib.sha256(data).hexdigest())


def _said(path: Path, kind: str, data: bytes) -> str:
    """What a file would do, in a few words; "" for one that does nothing by itself."""
    text = data.decode("utf-8", "replace")
    if kind == "settings":
        return _settings(text)
    if kind == "skill":
        return "a script of a skill"
    if kind == "agent":
        return _agent(text)
    if kind == "command":
        return "a command that runs a shell line" if "!`" in text else ""
    return f"code of a {kind}"


def _agent(text: str) -> str:
    """As whoever reads agents finds a front matter; one that is not written line by line could hide a word."""
    text = re.sub(r"\r\n?", "\n", text).lstrip("\ufeff").lstrip()
    before, *fenced = _FENCE.split(text, 2)
    if before or len(fenced) < 2:
        return ""
    lines = [line for line in re.split("[\n\x85\u2028\u2029]", fenced[0]) if line.strip() and line[0] != "#"]
    plain = [_KEY.match(line) for line in lines if not line[0].isspace()]
    if lines and (lines[0][0].isspace() or None in plain):
        return "an agent with an unusual front matter"
    said = {match[1] for match in plain if match}
    words = [word for word in ("permission", "tools", "model", "hooks", "mcpServers") if word in said]
    return f"an agent that sets {', '.join(words)}" if words else ""


def _settings(text: str) -> str:
    try:
        data = jsonc.parse(jsonc.quote_references(text), "")
    except Exception:  # nobody can load it either; what cannot be read is shown rather than passed over
        return "settings that make no sense"
    if not isinstance(data, dict):
        return ""
    words = list(_servers(data.get("mcp"))) + list(_servers(data.get("mcpServers")))
    words += [f"loosens permissions: {key}" for key in _loose(data.get("permission"))]
    for key, value in data.items():
        if key in ("mcp", "mcpServers", "permission", "$schema") or not value:
            continue
        if key == "env" and isinstance(value, dict):
            words.append(f"sets {', '.join(sorted(map(str, value)))}")
        elif key not in _SPEAKING:
            words.append(f"sets {key}{_addresses(value)}")
    if jsonc.has_reference(text):
        words.append("reads variables or files ({env:} or {file:})")
    return "; ".join(words)


def _servers(table: Any) -> Iterator[str]:
    for name, entry in table.items() if isinstance(table, dict) else ():
        said: Mapping[str, Any] = entry if isinstance(entry, dict) else {}
        command = said.get("command") or said.get("url") or ""
        words = [*(command if isinstance(command, list) else [command]), *(said.get("args") or [])]
        yield f"runs the MCP server {name}: {' '.join(map(str, words))}"


def _loose(permission: Any) -> Iterator[str]:
    if permission == "allow":
        yield "*"
    for key, entry in permission.items() if isinstance(permission, dict) else ():
        if entry == "allow" or (isinstance(entry, dict) and "allow" in entry.values()):
            yield str(key)


def _addresses(value: Any) -> str:
    found = sorted({word for word in json.dumps(value).split('"') if "://" in word})
    return f" ({', '.join(found)})" if found else ""
