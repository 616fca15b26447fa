"""What `mimo agent create`, `skill new` and `command new` share: names, places, files, and how to show them."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

if TYPE_CHECKING:
    from mimocode.host import Host

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_NAME = 64
"""Characters (Agent Skills standard)."""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments of every `new`."""
    parser.add_argument("name", help="lower case letters, digits and single hyphens")
    parser.add_argument("--description", default="", help="what it is for and when to use it")
    parser.add_argument("--global", dest="everywhere", action="store_true", help="for all projects, not just this one")
    parser.add_argument("--force", action="store_true", help="replace what is there")


def place(host: Host, kind: str, *, everywhere: bool) -> Path:
    """The folder for new files of a kind ("agents"): the project's, or the user's own."""
    return (host.paths.config if everywhere else host.root / ".mimocode") / kind


def checked(name: str) -> str:
    """A name for something new.

    Raises:
        UsageError: it would not work everywhere; says what would.
    """
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be a name: use lower case letters, digits and single hyphens, at most 64")
    return name


def write(path: Path, text: str, *, force: bool) -> None:
    """Make a new file and say where.

    Raises:
        UsageError: there is one already, or it cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} is there already: edit it, or replace it with --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    sys.stdout.write(f"{path}\n")


def quoted(text: str) -> str:
    """A text as one line of YAML."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)


def near(source: str) -> str:
    """A path as a person reads it."""
    home = str(Path.home())
    return "~" + source[len(home) :] if source.startswith(home + os.sep) else source
