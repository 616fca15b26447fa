"""What the session commands do with a store. Results go to stdout, remarks to stderr."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from mimocode.errors import StoreError, UsageError
from mimocode.events import encode
from mimocode.ports import Store
from mimocode.state import replay

from ..which import belongs, held_here, names
from .find import find
from .output import page, put
from .parcel import pack, unpack
from .transcript import seen, table, transcript


def show_list(store: Store, root: Path, *, count: int | None, form: str, everywhere: bool) -> int:
    """Print the sessions that people held in a project (or all), latest first. Without any, print nothing."""
    if count is not None and count < 1:
        raise UsageError(f"--max-count must be at least 1, not {count}")
    known = store.sessions()
    infos = ([info for info in known if not info.parent] if everywhere else held_here(known, root))[:count]
    if not infos:
        return 0
    if form == "table":
        (page if count is None else put)(table(infos, names(infos, store)))
        return 0
    listed = [
        {
            "id": info.id,
            "title": info.title,
            "updated": int(info.updated * 1000),
            "created": int(info.created * 1000),
            "projectId": str(root) if belongs(info, root) else info.directory,
            "directory": info.directory,
        }
        for info in infos
    ]
    put([msgspec.json.format(msgspec.json.encode(listed), indent=2).decode()])
    return 0


def show(store: Store, root: Path, wanted: str, form: str) -> int:
    """Print a session, to be read by people or (one fact a line) by programs."""
    info = find(store.sessions(), wanted, root)
    entries = store.read(info.id)
    put((encode(entry).decode() for entry in entries) if form == "json" else transcript(info, entries))
    return 0


def prompt(store: Store, root: Path, wanted: str) -> int:
    """Print the next request of a session as the model would see it: prompt, tools, messages of the window."""
    info = find(store.sessions(), wanted, root)
    state = replay(store.read(info.id))
    if state.window is None:
        raise UsageError(f"session {info.id} has asked no model yet")
    put(seen(state.window, state.messages))
    return 0


def delete(store: Store, root: Path, wanted: str) -> int:
    """Forget a session and its children."""
    before = store.sessions()
    info = find(before, wanted, root)
    store.delete(info.id)
    children = len(before) - len(store.sessions()) - 1
    along = f" and {children} of its children" if children > 0 else ""
    print(f"Deleted session {info.id}{along}", file=sys.stderr)
    return 0


def verify(store: Store, root: Path, wanted: str, *, everything: bool) -> int:
    """Check the log of one session or of all; 1 if one of them was edited."""
    infos = store.sessions()
    code = 0
    for info in infos if everything else [find(infos, wanted, root)]:
        try:
            put([f"{info.id}  intact, {store.verify(info.id)} facts"])
        except StoreError as error:
            print(f"mimo: {error}", file=sys.stderr)
            code = 1
    return code


def export(store: Store, root: Path, wanted: str, *, sanitize: bool) -> int:
    """Print a session as JSON."""
    info = find(store.sessions(), wanted, root)
    put([pack(info, store.read(info.id), sanitize=sanitize).decode()])
    return 0


def take_in(store: Store, directory: Path, file: str) -> int:
    """Import a session from a file into a directory."""
    put([f"Imported session: {unpack(store, directory, file)}"])
    return 0
