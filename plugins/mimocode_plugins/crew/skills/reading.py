"""One SKILL.md as a skill, and what is wrong with it.

The format is the Agent Skills standard (agentskills.io): name, description, license, compatibility, metadata,
allowed-tools. Beside these, fields of Claude Code and of ours are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mimocode.errors import SettingsError
from mimocode_plugins.crew.assets import open_asset

NAME = re.compile(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*:)?[a-z0-9]+(?:-[a-z0-9]+)*")
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_COMPATIBILITY = 64, 1024, 500
"""Characters (Agent Skills standard)."""
LINES = 500
"""Lines of a body; the standard asks for less and for the rest in files beside it."""
STANDARD = {"name", "description", "license", "compatibility", "metadata", "allowed-tools"}
KNOWN = STANDARD | {"aliases", "disable-model-invocation", "user-invocable", "argument-hint", "when_to_use"}
UNUSED = {"model", "effort", "context", "agent", "hooks", "paths", "shell", "disallowed-tools", "arguments", "version"}
"""Fields of other products that mean nothing here."""


@dataclass(frozen=True)
class Skill:
    """A procedure to follow, or something to know."""

    name: str
    description: str
    path: Path
    """The SKILL.md."""
    body: str
    source: str
    """Whose it is: "shipped", "user", "project", "settings", or the address that it comes from."""
    meta: Mapping[str, Any]
    replaces: tuple[str, ...] = ()
    """Where skills of the same name lie that it hides."""

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self.path.parent

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names, a word each."""
        said = self.meta.get("aliases") or []
        return tuple(name for name in map(str, said if isinstance(said, list) else [said]) if len(name.split()) == 1)

    @property
    def for_agents(self) -> bool:
        """The agent may bring it in by itself."""
        return self.meta.get("disable-model-invocation") is not True

    @property
    def for_users(self) -> bool:
        """It is a slash command."""
        return self.meta.get("user-invocable") is not False

    @property
    def hint(self) -> str:
        """How arguments are written."""
        return str(self.meta.get("argument-hint") or "")

    def files(self) -> list[str]:
        """What lies beside the SKILL.md, links and hidden files left out."""
        inside = (path for path in sorted(self.folder.rglob("*")) if path.is_file() and path != self.path)
        names = (path.relative_to(self.folder) for path in inside if not path.is_symlink())
        return [name.as_posix() for name in names if not any(part.startswith((".", "__")) for part in name.parts)]


def read(path: Path, source: str) -> Skill:
    """A SKILL.md as a skill.

    Raises:
        SettingsError: it cannot be used; says why and where.
    """
    asset = open_asset(path, path.parent.name, source)
    meta = asset.meta
    description = _described(meta, path)
    name = meta.get("name") or asset.name
    if isinstance(name, bool | date):
        raise SettingsError(f"name is read as {name}: put it into quotes", str(path))
    name = str(name) if isinstance(name, int | float) else name
    if not isinstance(name, str) or not name.strip() or not re.fullmatch(r"[^\s/\\]+(?: [^\s/\\]+)*", name.strip()):
        raise SettingsError(f"name is {name!r}: use lower case letters, digits and hyphens", str(path))
    if not asset.body.strip():
        raise SettingsError("there is nothing below the front matter: say what to do", str(path))
    name = re.sub(r"[\s_]+", "-", name.strip().lower())
    extra = meta.get("metadata")
    space = extra.get("namespace") if isinstance(extra, Mapping) else None
    if space and ":" not in name:
        name = f"{space}:{name}"
    if when := meta.get("when_to_use"):
        description = f"{description} {when}"
    return Skill(name, " ".join(description.split()), path, asset.body.strip(), source, meta)


def _described(meta: Mapping[str, Any], path: Path) -> str:
    """What a skill says of itself, without what would command a terminal.

    Raises:
        SettingsError: it says nothing.
    """
    said = meta.get("description")
    if said and not isinstance(said, str):
        raise SettingsError(f"description is {said}: it must be text; put it into quotes", str(path))
    if said and said.strip():
        return "".join(char if char.isprintable() or char.isspace() else " " for char in said)
    hint = next((f'; write "{key.lower()}", not "{key}"' for key in meta if key.lower() == "description" != key), "")
    needs = "a skill needs a description: one that says what it is for and when to use it"
    raise SettingsError(needs + hint, str(path))


def problems(skill: Skill) -> Iterator[str]:
    """Where a skill leaves the standard, a sentence each. It works here all the same."""
    meta, own = skill.meta, skill.name.rpartition(":")[2]
    if "name" not in meta:
        yield "name is missing; other products need it"
    elif not NAME.fullmatch(str(meta["name"])) or len(own) > LONGEST_NAME:
        yield f"name is {meta['name']!r}: use lower case letters, digits and single hyphens, at most {LONGEST_NAME}"
    if own != skill.folder.name:
        yield f"name is {own!r} and the folder {skill.folder.name!r}: other products need them equal"
    if skill.path.name != "SKILL.md":
        yield f"the file is called {skill.path.name}; other products need SKILL.md"
    if len(skill.description) > LONGEST_DESCRIPTION:
        yield f"description has {len(skill.description)} characters, at most {LONGEST_DESCRIPTION}"
    if len(str(meta.get("compatibility") or "")) > LONGEST_COMPATIBILITY:
        yield f"compatibility has more than {LONGEST_COMPATIBILITY} characters"
    if not isinstance(meta.get("metadata", {}), dict | None):
        yield "metadata must be a table of texts"
    if not isinstance(meta.get("allowed-tools", ""), str | list | None):
        yield "allowed-tools must be names of tools with spaces between them"
    for key in ("disable-model-invocation", "user-invocable"):
        if not isinstance(meta.get(key, True), bool):
            yield f"{key} must be true or false"
    if unused := sorted(meta.keys() & UNUSED):
        yield f"{', '.join(unused)} has no effect here"
    if strange := sorted(meta.keys() - KNOWN - UNUSED):
        yield f"{', '.join(strange)} is no field of a skill"
    if (lines := skill.body.count("\n") + 1) > LINES:
        yield f"it has {lines} lines, better at most {LINES}: move parts into files beside it"
    if "!`" in skill.body:
        yield "commands in !`...` are not run in a skill; a command file may have them"
