"""One process at a time: a refresh token may be used once, so two that refresh at once would log each other out."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mimocode.errors import ToolFailed

PATIENCE = 60.0
"""Seconds that another process may take for its refresh."""
_LOOK = 0.05


@asynccontextmanager
async def held(path: Path) -> AsyncIterator[None]:
    """Hold the lock of a file, across processes and tasks.

    Raises:
        ToolFailed: somebody else holds it for too long.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
        try:
            async with asyncio.timeout(PATIENCE):
                while not _taken(file.fileno()):  # noqa: ASYNC110 - other processes set no event
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise ToolFailed(f"another process holds {path} for more than {PATIENCE:g} s") from None
        yield


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
