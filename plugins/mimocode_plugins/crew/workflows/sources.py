"""Which workflows there are: shipped, the user's, the project's; later ones replace earlier ones of the same name.

A script can do nothing by itself, so one of a project that is not trusted runs when the user names it. But it takes
nobody's name, and it chooses no models.
"""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import UsageError

from ..places import escapes, project
from .screening import Meta, screened

if TYPE_CHECKING:
    from mimocode.host import Host

FOLDER = "workflows"
INLINE = "inline"
"""The name of a script that an agent wrote into its call."""


@dataclass(frozen=True)
class Workflow:
    """A script. One that came with a project that the user has not trusted is not `trusted`."""

    name: str
    path: Path
    origin: str
    trusted: bool = True

    def read(self) -> tuple[str, Meta]:
        """The checked source and what it says of itself.

        Raises:
            UsageError: it cannot be read or run.
        """
        try:
            source = self.path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.path} cannot be read: {error}") from None
        return source, screened(source, self.name)


def workflows(host: Host) -> dict[str, Workflow]:
    """All of them by name."""
    found: dict[str, Workflow] = {}
    shipped = Path(__file__).with_name("shipped")
    folders = [("shipped", shipped, True), ("user", host.paths.config / FOLDER, True)]
    folders += [("project", place / ".mimocode" / FOLDER, host.trusted) for place in project(host)]
    for origin, folder, trusted in folders:
        for path in sorted(folder.glob("*.py")):
            if origin != "project" or not (escapes(path, host) or (not trusted and path.stem in found)):
                found[path.stem] = Workflow(path.stem, path, origin, trusted)
    return found


def workflow(host: Host, name: str) -> Workflow:
    """One of them.

    Raises:
        UsageError: there is none of this name; says what is close.
    """
    known = workflows(host)
    if name not in known:
        close = difflib.get_close_matches(name, known, 1) or sorted(known)
        raise UsageError(f"there is no workflow {name!r}; there is {', '.join(close)}")
    return known[name]


def inline(path: Path) -> Workflow:
    """A script that came with a call and was kept beside its journal."""
    return Workflow(INLINE, path, INLINE)


def fingerprint(source: str) -> str:
    """What makes two scripts the same."""
    return hashlib.sha256(source.encode()).hexdigest()
