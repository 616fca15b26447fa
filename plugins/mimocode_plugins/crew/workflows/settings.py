"""The shape of the setting `workflow`: the limits of runtime.md 10.3, and the words of surface.md 3 for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mimocode.host import Host


@dataclass
class Bounds:
    """What one run may take."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    maxConcurrentAgents: int | None = None
    """Agents of one run that work at once; unset: as many as the setting `actors` lets work."""
    maxDepth: int = 8
    """How deep workflows may call workflows."""
    maxLifecycleAgents: int = 1000
    """Agents of one run."""
    scriptDeadlineMs: int = 12 * 60 * 60 * 1000
    memory: int = 256
    """MiB for the script itself."""
    cpu: int = 600
    """Seconds of computing for the script itself; agents do not count."""

    @property
    def deadline(self) -> float | None:
        """Seconds for one run; None is no limit."""
        return self.scriptDeadlineMs / 1000 or None


def bounds(host: Host) -> Bounds:
    """The limits of this host."""
    found = host.settings["workflow"] if "workflow" in host.settings else None  # noqa: SIM401
    return found if isinstance(found, Bounds) else Bounds(**(found or {}))
