"""Keeps the log in one SQLite file, `<data>/mimocode.db`.

The file is named by `MIMOCODE_DB` when that is set: absolute, relative to the data directory, or `:memory:`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mimocode.hookspecs import hookimpl

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.ports import Store


@hookimpl
async def open_store(host: Host) -> Store:
    """Open the log, and make it when there is none (surface.md 4.1 and 4.2)."""
    from .place import locate
    from .store import SqliteStore

    return SqliteStore(locate(host.paths.data, host.environ.get("MIMOCODE_DB", "")))
