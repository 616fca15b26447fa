"""Finds the commands that are Markdown files or stand in the settings, low to high (surface.md 8.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.ports import StashKey
from mimocode_plugins.crew import assets
from mimocode_plugins.crew.places import escapes, home, project, switched_on

if TYPE_CHECKING:
    from mimocode.host import Host

KINDS = ("command", "commands")
TEXTS = ("description", "agent", "model", "argument-hint")
KNOWN = {*TEXTS, "subtask", "template"}
FOREIGN = {"allowed-tools", "disable-model-invocation", "name", "effort", "hooks", "context", "shell"}
"""Fields that Claude Code knows. They give nothing here: a command has the permissions of its agent."""


@dataclass(frozen=True)
class Template:
    """One command."""

    name: str
    text: str
    source: str
    """The file, or "settings"."""
    description: str = ""
    agent: str = ""
    model: str = ""
    subtask: bool | None = None
    hint: str = ""
    trusted: bool = True
    """False for a file of a project that is not trusted: it runs nothing and changes neither agent nor model."""
    replaces: tuple[str, ...] = ()


@dataclass
class Templates:
    """All commands by name, and a sentence for each file that makes no sense."""

    found: dict[str, Template] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


_told: StashKey[set[str]] = StashKey("crew.commands.told")


@dataclass(frozen=True)
class _Folder:
    path: Path
    claude: bool = False
    project: bool = False


def templates(host: Host) -> Templates:
    """What there is. A project that is not trusted adds commands and replaces none."""
    result = Templates()
    for folder in _folders(host):
        kinds = KINDS if folder.path != assets.root("commands").parent else KINDS[1:]
        read, wrong = assets.find(kinds, [("", folder.path)], partial(escapes, host=host, project=folder.project))
        result.problems += wrong
        for asset in read:
            name = asset.name.replace("/", ":") if folder.claude else asset.name
            trusted = host.trusted or not folder.project
            _add(result, name, {**asset.meta, "template": asset.body}, str(asset.path), trusted=trusted)
    for name, table in (host.settings["command"] or {}).items():
        _add(result, name, table, "settings", trusted=True)
    return result


def _add(result: Templates, name: str, said: Mapping[str, Any], source: str, *, trusted: bool) -> None:
    problem = _wrong(said)
    if any(char.isspace() for char in name):
        problem = "a command's name cannot hold a space"
    if problem:
        result.problems.append(f"{source}: {problem} (left out)")
        return
    if strange := sorted(said.keys() - KNOWN - FOREIGN):
        result.problems.append(f"{source}: {', '.join(strange)} is no field of a command and has no effect")
    before = result.found.get(name)
    if before is not None and not trusted:
        result.problems.append(f"{source}: /{name} is there already, and an untrusted project replaces nothing")
        return
    text = said["template"].strip()
    first = next((line for line in text.splitlines() if line.strip()), "").lstrip("# ")
    model = str(said.get("model") or "")
    result.found[name] = Template(
        name,
        text,
        source,
        " ".join(str(said.get("description") or first[:100]).split()),
        str(said.get("agent") or ""),
        model if "/" in model else "",
        said.get("subtask"),
        str(said.get("argument-hint") or ""),
        trusted,
        (before.source, *before.replaces) if before else (),
    )


def _wrong(said: Mapping[str, Any]) -> str:
    if not str(said.get("template") or "").strip():
        return "there is nothing below the front matter: say what the agent is told"
    for key in TEXTS:
        value = said.get(key)
        if not isinstance(value, str | None) and not (key == "argument-hint" and isinstance(value, list)):
            return f"{key} is {value!r}: it must be text"
    if not isinstance(said.get("subtask"), bool | None):
        return f"subtask is {said['subtask']!r}: it must be true or false"
    return ""


def _folders(host: Host) -> Iterator[_Folder]:
    claude = not any(switched_on(host, f"MIMOCODE_DISABLE_CLAUDE_CODE{end}") for end in ("", "_COMMANDS"))
    yield _Folder(assets.root("commands").parent)
    if claude:
        yield _Folder(home(host) / ".claude", claude=True)
    yield _Folder(host.paths.config)
    if claude:
        yield from (_Folder(place / ".claude", claude=True, project=True) for place in project(host))
    yield from (_Folder(place / ".mimocode", project=True) for place in project(host))
    yield _Folder(home(host) / ".mimocode")
    if special := host.environ.get("MIMOCODE_CONFIG_DIR"):
        yield _Folder(Path(special))


def unsaid(host: Host) -> list[str]:
    """The sentences that nobody has been told yet."""
    told = host.stash.setdefault(_told, set())
    fresh = [line for line in templates(host).problems if line not in told]
    told.update(fresh)
    return fresh
