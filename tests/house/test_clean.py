"""Nothing in the tree tells where it was made."""

from __future__ import annotations

import os
import pwd
import re
import sys
from pathlib import Path

from house.rules import ROOT

TEXT = {".py", ".md", ".toml", ".json", ".jsonc", ".yaml", ".yml", ".sh", ".txt", ".cfg", ".ini", ""}
ORDINARY = {"home", "Users", "tmp", "root", "usr", "opt", "var", "etc", "src", "app", "mnt", "private", "workspace"}
MADE_UP = r"/(?:home|Users)/(?!(?:user|you|me|alice|bob|ada|someone|name|dev|x|u|runner)\b)[a-z]\w+"
"""A home directory, unless its owner is one of those that examples use."""


def files() -> list[Path]:
    """The text files of the repository."""
    skip = {"build", "dist", "__pycache__", "venv", "node_modules"}
    inside = [path for path in ROOT.rglob("*") if path.is_file() and path.suffix in TEXT]
    parts = {path: path.relative_to(ROOT).parts for path in inside}
    hidden = {path for path in inside if any(p.startswith(".") and p not in {".ci", ".gitignore"} for p in parts[path])}
    return sorted(path for path in inside if path not in hidden and not skip & set(parts[path]))


def here() -> list[str]:
    """How this machine could give itself away."""
    places = [str(ROOT), pwd.getpwuid(os.getuid()).pw_dir, sys.prefix]
    if len(ROOT.parts) > 2 and ROOT.parts[1] not in ORDINARY:
        places.append(f"/{ROOT.parts[1]}/")
    return [place for place in places if place.count("/") > 1 and not place.startswith("/usr")]


def test_no_file_mentions_a_place_on_a_machine() -> None:
    pattern = re.compile("|".join([*(rf"(?<![\w.]){re.escape(place)}" for place in here()), MADE_UP]))
    complaints = [
        f"{path.relative_to(ROOT)}:{number}: {found[0]!r} is a place on one machine: use a relative or made-up path"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if (found := pattern.search(line))
    ]
    assert not complaints, "\n".join(complaints)


def test_the_top_of_the_repository_is_as_agreed() -> None:
    allowed = {"pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "uv.lock", "build", "dist", "venv"}
    rooms = {"kernel", "plugins", "skills", "agents", "commands", "tests", "examples"}
    strange = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - allowed - rooms
    assert not strange, f"{sorted(strange)} do not belong at the top: documentation lives in the room it describes"
