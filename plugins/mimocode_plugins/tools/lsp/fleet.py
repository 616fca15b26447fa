"""All language servers of a host: one per server and folder, shared by its sessions, ended with the last of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.ports import StashKey

from .hookspecs import confine_program
from .known import wanted
from .station import Start, Station

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
        self._scratch = ""
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
            start = Start(self._host.environ, self.held, self.path)
            for known, folder in wanted(self.setting, path, top, self.path):
                made = Station(known, folder, top, start)
                found.append(self.stations.setdefault((known.id, folder), made))
            self._wanted[key] = found
        return self._wanted[key]

    @property
    def path(self) -> str:
        """PATH as the user has it, where ours is a shorter one."""
        return str(self._host.options.get("path") or "")

    async def held(self, argv: Sequence[str]) -> Sequence[str] | None:
        """The command line of a program in a sandbox; None when it is the user's own.

        Raises:
            OSError: there is no place for temporary files.
        """
        return await self._host.hooks.first(confine_program, argv=argv, scratch=self._room(), host=self._host)

    def _room(self) -> Path:
        self._scratch = self._scratch or os.path.realpath(tempfile.mkdtemp(prefix="mimocode-lsp-"))
        return Path(self._scratch)

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
        scratch, self._scratch = self._scratch, ""
        if scratch:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
