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
        offers, wrong = worded(event.message, offers)
        for line in wrong:
            await session.notice("permission", f"{line!r} is not remembered: it is about something else", "warning")
        if not offers:
            return
        await session.emit(Noted(NOTES, {"allow": list(offers), "remember": event.remember}))
        if event.remember in ("project", "user"):
            keep(session.host, offers, everywhere=event.remember == "user")
    elif isinstance(event, TurnEnded):
        session.stash.pop(_asked, None)


def worded(message: str, offers: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """What to remember, and the lines that are left out, when the user wrote the rules anew, one "key: pattern" a line.

    Only keys that were asked about count: an answer about one thing allows nothing else.
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    keys = {offer.partition(":")[0] for offer in offers}
    fitting = tuple(line for line in lines if line.partition(": ")[0] in keys and line.partition(": ")[2].strip())
    return (fitting, [line for line in lines if line not in fitting]) if lines else (offers, [])


def keep(host: Host, offers: tuple[str, ...], *, everywhere: bool) -> None:
    """Add approvals to `<data>/approvals.json`, mode 0600, replaced as a whole."""
    table = _read(host)
    place = "*" if everywhere else str(host.root)
    table[place] = list(dict.fromkeys([*table.get(place, []), *offers]))
    _write(host, table)


def kept(host: Host) -> list[tuple[str, str]]:
    """What is remembered for this project ("*": for all), as (place, "key: pattern")."""
    table = _read(host)
    return [(place, offer) for place in ("*", str(host.root)) for offer in table.get(place, [])]


def forget(host: Host, offer: str) -> bool:
    """Remember an approval no longer, neither here nor everywhere; False if it was not."""
    table = _read(host)
    places = [place for place in ("*", str(host.root)) if offer in table.get(place, [])]
    for place in places:
        table[place].remove(offer)
    if places:
        _write(host, {place: offers for place, offers in table.items() if offers})
    return bool(places)


def _path(host: Host) -> Path:
    return host.paths.data / "approvals.json"


def _read(host: Host) -> dict[str, list[str]]:
    try:
        table = json.loads(_path(host).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    lists = table.items() if isinstance(table, dict) else ()
    return {place: [o for o in offers if isinstance(o, str)] for place, offers in lists if isinstance(offers, list)}


def _write(host: Host, table: dict[str, list[str]]) -> None:
    path = _path(host)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".approvals-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(table, file, ensure_ascii=False, indent=1)
    Path(name).replace(path)
