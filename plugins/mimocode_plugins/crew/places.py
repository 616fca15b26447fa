"""Where the crew's files are looked for: what all kinds of them share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mimocode.host import Host


def switched_on(host: Host, variable: str) -> bool:
    """Whether an environment variable says yes."""
    return host.environ.get(variable, "").lower() in ("1", "true")


def home(host: Host) -> Path:
    """The user's home."""
    return Path(host.environ.get("HOME") or Path.home())


def project(host: Host) -> list[Path]:
    """The directories from the project's root down to where we are; the home is nobody's project."""
    if switched_on(host, "MIMOCODE_DISABLE_PROJECT_CONFIG"):
        return []
    inside = [place for place in (host.directory, *host.directory.parents) if place.is_relative_to(host.root)]
    return [place for place in (inside or [host.directory])[::-1] if place != home(host)]


def escapes(path: Path, host: Host, *, project: bool = True) -> bool:
    """Whether a file or folder of a project that is not trusted is a link to somewhere else: to what is private, huge
    or without an end."""
    return project and not host.trusted and not path.resolve().is_relative_to(host.root.resolve())
