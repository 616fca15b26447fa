"""All language servers of a host: one per server and folder, shared by its sessions, ended with the last of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.ports import StashKey

from .known import wanted
from .station import Station

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

    from .findings import Finding

FLEET: StashKey[Fleet] = StashKey("lsp.fleet")


def fleet_of(session: Session) -> Fleet:
    """The servers of a session's host; the session uses them from now on, until it leaves."""
    fleet: Fleet = session.host.stash.setdefault(FLEET, Fleet(session.host))
    fleet.sessions.add(session.id)
    return fleet


class Fleet:
    """The servers that some file needed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self.sessions: set[str] = set()
        self.stations: dict[tuple[str, Path], Station] = {}
        self.told: dict[str, list[Finding]] = {}
        """What was known of each file when the agent last heard of a change."""
        self._wanted: dict[tuple[str, Path], list[Station]] = {}

    @property
    def setting(self) -> Any:
        """What the user said about servers."""
        return self._host.settings["lsp"]

    def of(self, path: Path) -> list[Station]:
        """The servers of a file; none for a file outside of the project."""
        top = self._host.root
        if not path.is_relative_to(top):
            return []
        key = path.suffix or path.name, path.parent
        if key not in self._wanted:  # looked up once: the search asks the disk about every program
            found = []
            for known, folder in wanted(self.setting, path, top):
                made = Station(known, folder, top, self._host.environ)
                found.append(self.stations.setdefault((known.id, folder), made))
            self._wanted[key] = found
        return self._wanted[key]

    async def leave(self, session: Session) -> None:
        """A session is over; the last one ends the servers."""
        self.sessions.discard(session.id)
        if not self.sessions:
            await self.close()

    async def close(self) -> None:
        """End all servers."""
        stations = list(self.stations.values())
        self.stations.clear()
        self._wanted.clear()
        await asyncio.gather(*(station.close() for station in stations), return_exceptions=True)
