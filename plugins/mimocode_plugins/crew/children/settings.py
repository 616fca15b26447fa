"""The shape of the setting `actors`: how many children work at once, how deep, how long."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mimocode.host import Host


@dataclass
class Bounds:
    """Limits of children. Times are seconds, 0 is no limit."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    parallel: int = 0
    """How many work at the same time in this process; 0: twice the cores, at most 16 (runtime.md 10.3)."""
    depth: int = 2
    """How deep children may have children."""
    queue: int = 1000
    """Children of one session that are not over yet (runtime.md 10.3)."""
    timeout: float = 3600.0
    """How long one may work."""
    stalled: float = 360.0
    """Without a sign of life it counts as stalled (runtime.md 6.6)."""
    give_up: float = 600.0
    """Without a sign of life it is ended."""
    loops: int = 6
    """Calls in a circle, after the circle was noticed, until it is ended."""
    steps: int = 200
    """Model calls that one child may make for one order."""
    beat: float = 5.0
    """How often liveness is looked at."""

    @property
    def places(self) -> int:
        """How many work at the same time."""
        return self.parallel or min(16, 2 * (os.cpu_count() or 1))


def bounds(host: Host) -> Bounds:
    """The limits of this host."""
    found = host.settings["actors"] if "actors" in host.settings else None  # noqa: SIM401
    return found if isinstance(found, Bounds) else Bounds(**(found or {}))
