"""After a call that changed files: format them, ask what is wrong with them now, and say what is new."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimocode.errors import ToolFailed
from mimocode.messages import Text

from ..place import Place
from .findings import Finding, block, fresh
from .fleet import Fleet, fleet_of

if TYPE_CHECKING:
    from mimocode.messages import ToolCall
    from mimocode.ports import ToolResult
    from mimocode.session import Session

    from .station import Station

OTHERS = 5
"""Other files that a change made worse and that are told (surface.md 6.2)."""
_MARKS = ("*** Add File: ", "*** Update File: ", "*** Move to: ")


async def after(result: ToolResult, call: ToolCall, told: Mapping[str, Any], session: Session) -> ToolResult | None:
    """The result with what the change did to the health of the project; None when there is nothing to say."""
    paths = [path for path in touched(call, told, session) if path.is_file()]
    servers = session.host.settings["lsp"] is not False
    if told.get("permission") == "read":
        if servers:
            _greet(paths, session)
        return None
    said: list[str] = []
    if session.host.settings["formatter"]:
        from .formatting import format_files

        said += await format_files(paths, session)
    shown: list[dict[str, Any]] = []
    if servers and paths and any(fleet_of(session).of(path) for path in paths):
        blocks, shown = await _diagnose(paths, session)
        said += blocks
    if not said:
        return None
    display = {**(result.display or {}), **({"diagnostics": shown} if shown else {})}
    return replace(result, content=(*result.content, Text("\n\n" + "\n".join(said))), display=display)


def touched(call: ToolCall, told: Mapping[str, Any], session: Session) -> list[Path]:
    """The real paths of the files that a call is about, as its author declares them."""
    values = [call.arguments.get(name) for name in told.get("paths", ())]
    values += [call.arguments.get(_camel(name)) for name in told.get("paths", ())]
    patch = call.arguments.get(told.get("patch", ""), call.arguments.get(_camel(told.get("patch", ""))))
    if isinstance(patch, str):
        values += [line[len(mark) :].strip() for line in patch.splitlines() for mark in _MARKS if line.startswith(mark)]
    place, found = Place(session.host.root, session.directory), dict[Path, None]()
    for value in values:
        if isinstance(value, str):
            try:
                found[Path(os.path.realpath(place.find(value)))] = None
            except (ToolFailed, OSError, ValueError):
                continue
    return list(found)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _greet(paths: list[Path], session: Session) -> None:
    """Wake the servers of files that are read, and show these to those that are awake: edits come next."""
    for path in paths:
        for station in fleet_of(session).of(path):
            station.wake()
            if station.ready:
                try:
                    station.show(path)
                except ToolFailed:
                    continue


async def _diagnose(paths: list[Path], session: Session) -> tuple[list[str], list[dict[str, Any]]]:
    fleet = fleet_of(session)
    before = {path: fleet.told.setdefault(path, _known(fleet, path)) for path in _all(fleet)}
    await asyncio.gather(*(_show(station, path) for path in paths for station in fleet.of(path)))
    place = Place(session.host.root, session.directory)
    blocks, shown = [], []
    for path in paths:
        now, was = _known(fleet, str(path)), before.get(str(path), [])
        told = [f for f in fresh(now, was) if f.severity <= 2]
        old = sum(f.severity == 1 for f in now) - sum(f.severity == 1 for f in told)
        if told:
            blocks.append(block(place.short(path), told, old))
            shown += [{"path": str(path), "line": f.line, "column": f.column, "message": str(f)} for f in told[:20]]
    worse = _others(fleet, paths, before)
    fleet.told = {path: _known(fleet, path) for path in _all(fleet)}  # what comes later is told with the next change
    for other, told in worse[:OTHERS]:
        blocks.append("Also changed for the worse:\n" + block(place.short(Path(other)), told, shown=5))
    if len(worse) > OTHERS:
        blocks.append(f"... and {len(worse) - OTHERS} other files with new errors")
    return blocks, shown


def _others(fleet: Fleet, paths: list[Path], before: dict[str, list[Finding]]) -> list[tuple[str, list[Finding]]]:
    """Files that have errors now and were known to have fewer before."""
    mine = set(map(str, paths))
    found = []
    for path in sorted(_all(fleet) - mine):
        told = [f for f in fresh(_known(fleet, path), before.get(path, ())) if f.severity == 1]
        if told:
            found.append((path, told))
    return found


def _all(fleet: Fleet) -> set[str]:
    return {path for station in fleet.stations.values() for path in station.diagnoses}


def _known(fleet: Fleet, path: str | Path) -> list[Finding]:
    found = [f for station in fleet.stations.values() for f in station.diagnoses.get(str(path), ())]
    return sorted(found, key=lambda f: (f.severity, f.line, f.column))


async def _show(station: Station, path: Path) -> None:
    """Show a file and wait for the verdict, if the server is up; else it starts for the next time."""
    station.wake()
    if not station.ready:
        return
    try:
        version = station.show(path)
        if version is not None:
            await station.diagnosed(path, version)
    except ToolFailed:
        return  # it died; the state says so, and the next file wakes it again
