"""How many children work at once: places in this process, lent to their own children by those who only wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mimocode.ports import StashKey

from .settings import bounds

if TYPE_CHECKING:
    from mimocode.host import Host

_places: StashKey[asyncio.Semaphore] = StashKey("crew.children.places")


class Place:
    """One child's claim to a place. Enter it to work; `lent` gives it away while the child waits."""

    def __init__(self, host: Host) -> None:
        self._all = host.stash.setdefault(_places, asyncio.Semaphore(bounds(host).places))
        self._held = False
        self._waiting = 0

    async def __aenter__(self) -> None:
        await self._all.acquire()
        self._held = True

    async def __aexit__(self, *_: object) -> None:
        self._give()

    def _give(self) -> None:
        if self._held:
            self._held = False
            self._all.release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Without the place; it is taken again when the last of those who wait for something goes on."""
        self._waiting += 1
        self._give()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting and not self._held:
                await self._all.acquire()
                self._held = True
