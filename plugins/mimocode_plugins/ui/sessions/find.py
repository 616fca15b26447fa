"""Which session is meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from mimocode.errors import MimoError
from mimocode.ports import SessionInfo

from ..which import belongs

LAST = "last"


def find(infos: Sequence[SessionInfo], wanted: str, root: Path) -> SessionInfo:
    """The session with this id, with an id that begins so, or the latest one of the project for "last".

    Raises:
        MimoError: there is none, or there are several.
    """
    if wanted == LAST:
        for info in infos:
            if not info.parent and belongs(info, root):
                return info
        raise MimoError(f"there is no session of {root} yet; `mimo session list --all` shows those of other places")
    begin = [info for info in infos if wanted and info.id.startswith(wanted)]
    for info in begin:
        if len(begin) == 1 or info.id == wanted:
            return info
    if begin:
        more = f" and {len(begin) - 3} more" if len(begin) > 3 else ""
        names = ", ".join(info.id for info in begin[:3])
        raise MimoError(f"{wanted!r} is the beginning of several sessions: {names}{more}; write more of the id")
    close = difflib.get_close_matches(wanted, [info.id for info in infos], 3)
    hint = f"did you mean {' or '.join(close)}?" if close else "`mimo session list --all` shows what there is"
    raise MimoError(f"there is no session {wanted!r}; {hint}")
