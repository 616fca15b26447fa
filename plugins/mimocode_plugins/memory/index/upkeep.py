"""`mimo memory why`, `edit`, `stats` and `doctor`: what a session began with, the user's own pen, size and health."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.errors import StoreError, UsageError
from mimocode.events import Noted

from .. import saving
from ..items import CONFLICT, MARK, kinds
from ..layout import layout, ready, sessions, tokens
from ..redact import redact
from ..shelf import template
from .desk import Desk, describe

if TYPE_CHECKING:
    from mimocode.host import Host


async def why(host: Host, what: str) -> str:
    """Why an item is there; without one, what the latest session of this project was told of memory, and why.

    Raises:
        ToolFailed: there is no such item.
    """
    await ready(host)
    if what:
        return describe(Desk(host).shelf.find(what.removeprefix("m:")))
    store = await host.store()
    for info in await sessions(host):
        notes = [e.event for e in store.read(info.id) if isinstance(e.event, Noted) and e.event.plugin == "recall"]
        if notes:
            data = notes[-1].data
            lines = [f"[{item['id']}] {item['text']}  ({item['scope']}; {item['why']})" for item in data["loaded"]]
            lines += [f"left out for room: {what}" for what in data["left"]]
            lines += [f"{data['waiting']} not confirmed and not loaded"] if data["waiting"] else []
            return "\n".join([f"session {info.id} began with:", *lines])
    return "No session of this project was told of anything that is remembered."


async def edit(host: Host, scope: str) -> int:
    """Open MEMORY.md in the user's editor, made from its template when there is none; the editor's exit code.

    Raises:
        UsageError: no editor is set, or it cannot be started.
    """
    await ready(host)
    path = layout(host).file(scope)
    command = shlex.split(host.environ.get("VISUAL") or host.environ.get("EDITOR") or "")
    if not command:
        raise UsageError(f"set EDITOR to edit it here, or open it yourself: {path}")
    if not path.is_file():
        saving.replace(path, template("memory" if scope == "project" else "global"))
    try:
        return await asyncio.to_thread(subprocess.call, [*command, str(path)])
    except OSError as error:
        raise UsageError(f"the editor {command[0]} cannot be started: {error.strerror}") from None


async def stats(host: Host) -> str:
    """How much is remembered here, and what the index takes."""
    desk = Desk(host)
    index = await desk.index()
    with index.reading() as db:
        entries, _, documents, indexed = db.execute("SELECT entries, length, documents, indexed FROM totals").fetchone()
        (waiting,) = db.execute("SELECT count(*) FROM entries WHERE id > ?", (indexed,)).fetchone()
        scopes = db.execute(
            "SELECT scope, count(*), sum(entries) FROM documents GROUP BY scope ORDER BY scope"
        ).fetchall()
    size = _size(index.path)
    items = Counter((item.scope, item.status) for item in desk.shelf.items())
    lines = [f"{count:>7,}  {scope} items, {status}" for (scope, status), count in sorted(items.items())]
    lines += [f"{held or 0:>7,}  entries in {count:,} files of {scope}" for scope, count, held in scopes]
    lines.append(f"{entries:>7,}  entries of {documents:,} files in the index, {waiting:,} not settled")
    return "\n".join([*lines, f"{size / 2**20:7.1f}  MiB: {index.path}"])


async def doctor(host: Host) -> list[str]:
    """What is wrong with the files and the index, a sentence each."""
    desk = Desk(host)
    place, found = layout(host), list[str]()
    for path in (place.project_file, place.global_file):
        text = saving.read(path)
        for number, (kind, line) in enumerate(kinds(text), 1):
            if kind == CONFLICT:
                found.append(f"{path}:{number}: git could not bring two versions together; keep what holds of both")
            if "<!-- m:" in line and not MARK.search(line):
                found.append(f"{path}:{number}: the evidence of this item cannot be read; it counts as your own words")
        if secrets := redact(text)[1]:
            found.append(f"{path}: holds what looks like a secret ({', '.join(sorted(set(secrets)))})")
        if (size := tokens(text)) > 10_000:
            found.append(f"{path}: about {size} tokens, of which a session is told 3,000 at most; forget some")
    for item in desk.shelf.items():
        if item.time and not item.signed:
            found.append(f"[{item.id}] was not written by MiMo Code, or was changed since: {item.text[:80]}")
    key = place.base / ".key"
    if key.is_file() and key.stat().st_mode & 0o077:
        found.append(f"{key}: others can read it; chmod 600 it")
    try:
        await host.store()
    except StoreError as error:
        return [*found, str(error)]
    try:
        index = await desk.index()
        with index.reading() as db:
            checked = [row[0] for row in db.execute("PRAGMA quick_check(3)")]
        found += [f"{index.path}: {what}; delete it, it is made anew" for what in checked if what != "ok"]
    except StoreError as error:
        found.append(f"{error}; delete it, it is made anew")
    if place.base.exists() and not (place.base.is_dir() and os.access(place.base, os.W_OK)):
        found.append(f"{place.base}: cannot be written")
    return found


def _size(path: str) -> int:
    return sum(Path(path + end).stat().st_size for end in ("", "-wal") if Path(path + end).exists())
