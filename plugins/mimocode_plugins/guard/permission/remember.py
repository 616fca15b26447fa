"""Keep what the user approved for longer: in the log for this session, in our data for a project or for good.

Approvals never live in the project's own files, because whoever writes those must not approve anything.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mimocode.events import ApprovalAsked, ApprovalGiven, Event, Noted, TurnEnded
from mimocode.ports import StashKey

from ..policy import NOTES

if TYPE_CHECKING:
    from mimocode.host import Host
    from mimocode.session import Session

_asked: StashKey[dict[str, tuple[str, ...]]] = StashKey("permission.asked")


async def watch(event: Event, session: Session) -> None:
    """Connect each approval with what was offered, and remember it for as long as the user said."""
    if isinstance(event, ApprovalAsked):
        session.stash.setdefault(_asked, {})[event.call.id] = event.offer
    elif isinstance(event, ApprovalGiven):
        offers = session.stash.setdefault(_asked, {}).pop(event.call_id, ())
        if not (event.allow and event.remember and offers):
            return
        await session.emit(Noted(NOTES, {"allow": list(offers), "remember": event.remember}))
        if event.remember in ("project", "user"):
            keep(session.host, offers, everywhere=event.remember == "user")
    elif isinstance(event, TurnEnded):
        session.stash.pop(_asked, None)


def keep(host: Host, offers: tuple[str, ...], *, everywhere: bool) -> None:
    """Add approvals to `<data>/approvals.json`, mode 0600, replaced as a whole."""
    path: Path = host.paths.data / "approvals.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        table = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        table = {}
    place = "*" if everywhere else str(host.root)
    known = table.get(place, []) if isinstance(table, dict) else []
    table = {**(table if isinstance(table, dict) else {}), place: list(dict.fromkeys([*known, *offers]))}
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".approvals-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(table, file, ensure_ascii=False, indent=1)
    Path(name).replace(path)
