"""Keeps the index true to the files while a host works, so that no search has to look at them.

What our own tools write is looked at when they are done; what an editor or another program writes, within a second.
Only the few folders that can be searched from here are listed, in a thread, and only what lists otherwise than before
is read and hashed. A minute after the last thing that happened this rests and costs nothing, until something happens.
The system's own notices of changes would come sooner, but not from network drives and folders that containers share.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import StoreError
from mimocode.events import CallFinished, CallStarted, Noted, Rewound, TurnStarted

from ..layout import Layout, sessions
from . import OPEN
from .database import Index
from .sync import listing, take

if TYPE_CHECKING:
    from mimocode.events import Event
    from mimocode.host import Host
    from mimocode.session import Session

EVERY, REST, LIST_AGAIN = 1.0, 60.0, 60.0
"""Seconds: between two looks; after which it rests; between two questions which sessions the project has."""
SETTLED = 32
"""Entries that are put in order in one go, which holds up whoever asks for some milliseconds."""
EARLIER = 20
"""Earlier sessions of this project whose notes are searched."""


class Watch:
    """The index of a host, and what keeps it up to date.

    Raises:
        StoreError: the index cannot be used.
    """

    def __init__(self, host: Host, place: Layout, claude: Path | None, *, keep_looking: bool) -> None:
        self.host, self.place, self.claude = host, place, claude
        self.index = Index(host.paths.data / "memory.db")
        self.earlier: list[str] = []
        """The latest sessions of this project. Others may begin meanwhile."""
        self._keep_looking, self._stirred, self._listed = keep_looking, 0.0, -LIST_AGAIN
        self._looking: asyncio.Task[None] | None = None
        self._again = False
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[tuple[str, str]] = set()
        self._known: dict[str, str] | None = None

    @property
    def resting(self) -> bool:
        """Whether nobody looks until something happens."""
        return self._timer is None

    async def fresh(self) -> Index:
        """The index, after the look that is under way, if one is; the first look and the first after a rest are.

        Raises:
            StoreError: it cannot be used.
        """
        if self.index.damaged and (self._looking is None or self._looking.done()):
            self.index.close()
            self.index, self._known = Index(self.index.path), None
            self.look()
        self.stir()
        if self._looking is None or (self._looking.done() and self._looking.exception()):
            self.look()
        while self._looking is not None and not self._looking.done():
            await asyncio.wait([self._looking])
        if self._looking is not None:
            self._looking.result()
        return self.index

    def hear(self, event: Event, session: Session) -> None:
        """Look after calls that may have written memory files, and after the log went back."""
        match event:
            case TurnStarted():
                self.stir()
            case CallStarted(call_id=id):
                self.stir()
                call = next((call for call in session.state.open if call.id == id), None)
                spec = session.toolbox.specs.get(call.name) if call else None
                if spec is not None and not spec.read_only and spec.server != "memory":  # which says so itself
                    self._writing.add((session.id, id))
            case CallFinished(call_id=id) if (session.id, id) in self._writing:
                self._writing.remove((session.id, id))
                self.look()
            case Rewound():
                self.look()
            case Noted() if not self._keep_looking:  # plugins note what they write; nobody would look by himself
                self.look()

    def stir(self) -> None:
        """Something goes on: look now, unless it is done every second already."""
        self._stirred = time.monotonic()
        if self._timer is None and self._keep_looking:
            self.look()
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._tick)

    def look(self) -> None:
        """Something was written: look soon, and again if a look is under way."""
        self._again = True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="memory index")
            self._looking.add_done_callback(lambda done: done.cancelled() or done.exception())  # for `fresh` to raise

    def _tick(self) -> None:
        self._timer = None
        if time.monotonic() - self._stirred < REST:
            self.look()
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._tick)

    async def _look(self) -> None:
        while self._again:
            self._again = False
            if time.monotonic() - self._listed > LIST_AGAIN:
                self.earlier = [info.id for info in (await sessions(self.host))[:EARLIER]]
                self._listed = time.monotonic()
            of = {*self.earlier, *self.host.stash.get(OPEN, ())}
            await asyncio.to_thread(self._see, [self.place.base / "sessions" / id for id in of])

    def _see(self, of_sessions: Iterable[Path]) -> None:
        """The first time at everything, since this may be all that anybody looks at it."""
        first = self._known is None
        place = self.place
        folders = [place.base] if first else [place.project_folder, place.global_file.parent, *of_sessions]
        found = listing([*folders, *([self.claude] if self.claude else [])])
        if found != self._known:
            take(self.index, place.base, [*folders, *([self.claude] if self.claude else [])], found, alone=first)
            self._known = found
        while not self._again and self.index.settle(SETTLED, SETTLED):  # here nobody waits for it
            pass

    async def close(self) -> None:
        """Let go of the index, after what is being written to it."""
        self._keep_looking = self._again = False
        if self._timer is not None:
            self._timer.cancel()
        if self._looking is not None:
            await asyncio.wait([self._looking], timeout=5)
        with suppress(StoreError):
            self.index.close()
