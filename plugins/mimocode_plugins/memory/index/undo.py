"""Takes back what a session remembered after the point that it was rewound to, and brings back what it forgot."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mimocode.errors import ToolFailed
from mimocode.messages import JSON
from mimocode.ports import StashKey

from .. import items
from ..shelf import Shelf, shelf
from .desk import PLUGIN

if TYPE_CHECKING:
    from mimocode.session import Session

KNOWN: StashKey[list[JSON]] = StashKey("memory.noted")


def follow(session: Session) -> None:
    """Keep the notes that count in mind, and undo those that do not count any more."""
    now = list(session.state.notes.get(PLUGIN, ()))
    before: list[JSON] = session.stash.get(KNOWN, [])
    session.stash[KNOWN] = now
    if len(now) < len(before):
        kept = shelf(session.host, session.id)
        for note in reversed(before[len(now) :]):
            _undo(kept, note)


def _undo(kept: Shelf, note: JSON) -> None:
    try:
        if note["op"] == "forget":
            item = items.new(note["text"], time.time(), note["status"], note["source"], note["evidence"])
            kept.add(replace(item, section=note["section"], scope=note["scope"], time=note["time"] or item.time))
        elif (item := kept.find(note["id"])).status == note["status"]:  # what the user confirmed since then stays
            kept.forget(item)
    except (ToolFailed, KeyError):
        return  # it is gone already
