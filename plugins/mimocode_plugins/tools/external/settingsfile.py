"""Put an entry into a settings file or take one out; comments, order and everything else stay as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mimocode.errors import SettingsError

from ..text.members import Member, members, plain
from ..text.saving import save


def choose(folder: Path) -> Path:
    """The settings file of a folder: the one that is there, else the usual name."""
    files = [folder / "mimocode.json", folder / "mimocode.jsonc"]
    return next((file for file in files if file.exists()), files[0])


def put(file: Path, section: str, name: str, value: Any) -> None:
    """Set `section.name`.

    Raises:
        SettingsError: the file makes no sense, or has such an entry.
    """
    text = file.read_text("utf-8") if file.exists() else "{}\n"
    top, inner = _look(text, section, file)
    if inner is not None:
        if any(member.key == name for member in inner[1]):
            raise SettingsError(f'"{section}" has an entry "{name}" already; remove it first', str(file))
        at, first, indent = inner[0].at + 1, not inner[1], "    "
        made = f"{json.dumps(name)}: {_rendered(value, indent)}"
        end = "\n  " if first else ""
    else:
        at, first, indent = plain(text).index("{") + 1, not top, "  "
        made = f"{json.dumps(section)}: {_rendered({name: value}, indent)}"
        end = "\n" if first else ""
    rest = text[at:]
    if first:
        rest = rest if re.match(r"\s*(//|/\*)", rest) else rest.lstrip()
    _save(file, f"{text[:at]}\n{indent}{made}{'' if first else ','}{end}{rest}")


def drop(file: Path, section: str, name: str) -> bool:
    """Take `section.name` out; False if it is not there.

    Raises:
        SettingsError: the file makes no sense.
    """
    if not file.exists():
        return False
    text = file.read_text("utf-8")
    _, inner = _look(text, section, file)
    entries = inner[1] if inner else []
    for number, member in enumerate(entries):
        if member.key == name:
            if number + 1 < len(entries):
                text = text[: member.start] + text[entries[number + 1].start :]
            else:
                start = entries[number - 1].end if number else member.start
                text = text[:start] + text[member.end :]
            _save(file, text)
            return True
    return False


def _look(text: str, section: str, file: Path) -> tuple[list[Member], tuple[Member, list[Member]] | None]:
    """The top-level members, and the section with its members."""
    bare = plain(text)
    try:
        whole = json.loads(bare)
        if not isinstance(whole, dict) or not isinstance(whole.get(section, {}), dict):
            raise ValueError(f'it and its "{section}" must be objects')
        top = list(members(bare))
        found = next((member for member in top if member.key == section), None)
        return top, (found, list(members(bare, found.at))) if found else None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"this file makes no sense: {error}", str(file)) from None


def _rendered(value: Any, indent: str) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{indent}")


def _save(file: Path, text: str) -> None:
    try:
        json.loads(plain(text))
    except ValueError as error:
        raise SettingsError(f"the entry cannot be put in automatically ({error}); do it by hand", str(file)) from None
    save(Path(file.resolve()), text.encode())
