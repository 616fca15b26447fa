"""Print the acts of a session and of those it started, after the hash chain was checked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from mimocode.errors import UsageError
from mimocode.ports import SessionInfo, Store

from ..rules import one_line
from .acts import Act, acts

WIDTH = 1_000
"""Characters of one thing that is shown; the JSON has all of it."""


def audit(store: Store, root: Path, wanted: str, *, as_json: bool) -> int:
    """Print one line (or JSON object) for each act, oldest first.

    Raises:
        StoreError: the log was edited; names the first fact that does not fit. Nothing is printed then.
        UsageError: there is no such session, or several.
    """
    infos = store.sessions()
    info = _find(infos, wanted, root)
    logs = list(_family(infos, info))
    counts = {each.id: store.verify(each.id) for each in logs}
    found = sorted((act for each in logs for act in acts(store.read(each.id))), key=lambda act: act.asked)
    for act in found:
        lines = [json.dumps(_plain(act), ensure_ascii=False)] if as_json else _lines(act, child=act.session != info.id)
        sys.stdout.writelines(f"{line}\n" for line in lines)
    children = f" with {len(logs) - 1} it started" if len(logs) > 1 else ""
    what = f"{len(found)} acts" if len(found) != 1 else "1 act"
    sys.stderr.write(f"session {info.id}{children}: log intact, {sum(counts.values())} facts, {what}\n")
    return 0


def _find(infos: list[SessionInfo], wanted: str, root: Path) -> SessionInfo:
    if wanted == "last":
        here = [info for info in infos if not info.parent and Path(info.directory).is_relative_to(root)]
        if not here:
            raise UsageError(
                f"there is no session of {root} yet; `mimo session list --all` shows those of other places"
            )
        return here[0]
    begin = [info for info in infos if wanted and info.id.startswith(wanted)]
    exact = [info for info in begin if info.id == wanted] or begin
    if len(exact) != 1:
        why = "is the beginning of several sessions; write more of it" if exact else "is no session"
        raise UsageError(f"{wanted!r} {why}; `mimo session list --all` shows what there is")
    return exact[0]


def _family(infos: list[SessionInfo], info: SessionInfo) -> Iterator[SessionInfo]:
    yield info
    for child in infos:
        if child.parent == info.id:
            yield from _family(infos, child)


def _plain(act: Act) -> dict[str, object]:
    times = {name: _time(getattr(act, name)) for name in ("asked", "started", "ended")}
    return {**asdict(act), **times, "touched": dict(act.touched)}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds") if seconds else ""


def _lines(act: Act, *, child: bool) -> Iterator[str]:
    whose = f"  in {act.session}" if child else ""
    yield f"{_time(act.started or act.asked)}  {', '.join(act.kinds)}  {one_line(act.tool)}{whose}"
    for what in act.what:
        yield f"  what      {one_line(what, WIDTH)}"
    for path in act.touched.get("edit", ()):
        if str(path) not in act.what:
            yield f"  changes   {one_line(str(path), WIDTH)}"
    yield f"  decision  {act.decision}"
    if act.rule:
        yield f"  rule      {one_line(act.rule, WIDTH)}"
    yield f"  result    {one_line(act.result, WIDTH)}"
