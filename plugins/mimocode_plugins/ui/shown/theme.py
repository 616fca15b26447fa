"""Colours by what they mean: a theme gives the words that lines are painted with their colours.

A theme is JSON of the form that others use too (surface.md 14.2): `defs` names colours, `theme` says for each role a
colour, a name, "none", or `{"dark": ..., "light": ...}`. The theme "terminal" leaves all to the sixteen colours of the
terminal itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

OWN = "terminal"
ROLES = {
    "cyan": "accent", "green": "diffAdded", "red": "error", "yellow": "warning", "blue": "info",
    "magenta": "secondary", "dim": "textMuted", "prompt": "primary",
}  # fmt: skip
"""What the words in styles stand for."""
INSTEAD = {"diffAdded": "success", "accent": "primary", "secondary": "accent", "info": "accent", "warning": "accent"}
"""Roles that take the colour of another when a theme says nothing."""
SYNTAX = {
    "keyword": "syntaxKeyword", "function": "syntaxFunction", "string": "syntaxString", "number": "syntaxNumber",
    "comment": "syntaxComment", "type": "syntaxType", "operator": "syntaxOperator", "name": "syntaxVariable",
}  # fmt: skip
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")


@dataclass(frozen=True)
class Theme:
    """The colours of one theme in one mode."""

    name: str = OWN
    dark: bool = True
    colours: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Themes of a name and a mode are the same."""
        return hash((self.name, self.dark))

    def style(self, words: str) -> str:
        """A style such as "bold cyan" in the colours of the theme."""
        if not self.colours:
            return words
        return " ".join(self._word(word) for word in words.split())

    def _word(self, word: str) -> str:
        return self.colours.get(ROLES.get(word, ""), word)


def read(data: Any, name: str, dark: bool) -> Theme:
    """A theme from its JSON.

    Raises:
        ValueError: it makes no sense; the text says what.
    """
    if not isinstance(data, dict) or not isinstance(data.get("theme"), dict):
        raise ValueError('it needs an object "theme"')
    defs = data.get("defs") or {}
    found = {role: colour for role, value in data["theme"].items() if (colour := _colour(value, defs, dark, role))}
    for role, other in INSTEAD.items():
        if role not in found and other in found:
            found[role] = found[other]
    return Theme(name, dark, found)


def shipped() -> list[str]:
    """The names of the themes that come along."""
    folder = files(__package__).joinpath("themes")
    return [OWN, *sorted(path.name.removesuffix(".json") for path in folder.iterdir() if path.name.endswith(".json"))]


def load(name: str, folders: Iterable[Path] = (), dark: bool = True) -> Theme:
    """A theme by its name: one of the user's folders before a shipped one.

    Raises:
        ValueError: there is none, or it makes no sense.
    """
    if name == OWN:
        return Theme(dark=dark)
    for folder in folders:
        path = folder / f"{name}.json"
        if "/" not in name and path.is_file():
            try:
                return read(json.loads(path.read_text("utf-8")), name, dark)
            except (OSError, ValueError) as error:
                raise ValueError(f"{path}: {error}") from error
    if name not in shipped():
        raise ValueError(f"there is no theme {name!r}")
    return read(_shipped(name), name, dark)


def names(folders: Iterable[Path]) -> list[str]:
    """All themes that can be chosen."""
    own = {path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.json")}
    return [*shipped(), *sorted(own - set(shipped()))]


@lru_cache(4)
def _shipped(name: str) -> Any:
    return json.loads(files(__package__).joinpath("themes", f"{name}.json").read_text("utf-8"))


def _colour(value: Any, defs: Mapping[str, Any], dark: bool, role: str) -> str:
    for _ in range(4):
        if isinstance(value, dict):
            value = value.get("dark" if dark else "light")
        if isinstance(value, str) and value in defs:
            value = defs[value]
    if value in (None, "none", "transparent"):
        return ""
    if isinstance(value, str) and _HEX.match(value):
        return value if len(value) == 7 else "#" + "".join(digit * 2 for digit in value[1:])
    raise ValueError(f"{role}: {value!r} is no colour")
