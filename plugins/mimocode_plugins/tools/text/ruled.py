"""Which files a guard spoke of when it ruled on a call, so that none but those are changed.

Between the ruling and the change somebody may exchange a directory for a link. What the guard noted is where the path
led when it was judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mimocode.session import Session

NOTES = "permission.ruling"
_LAST, _MANY, _LONG = 100, 50, 2_000
"""Notes that are looked through; files and characters of which a note may hold only a part."""


def ruled(session: Session, call: str) -> Sequence[str]:
    """The files by the names that the guard used; none when it noted none, or not all of them."""
    notes = islice(reversed(session.state.notes.get(NOTES, ())), _LAST)
    touched = next((note["touched"] for note in notes if note["call"] == call), None)
    if not isinstance(touched, dict):
        return ()
    known = [str(each) for each in touched.get("edit", ())]
    many = sum(len(each) for each in touched.values()) >= _MANY
    return () if many or any(len(each) >= _LONG for each in known) else known
