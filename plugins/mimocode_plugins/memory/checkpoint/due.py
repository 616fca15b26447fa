"""When a checkpoint is due: derived from what the last one covers, so that a failed one is made up for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .opening import writable
from .record import newest
from .settings import Amount, checkpoint
from .state import progress, windows

if TYPE_CHECKING:
    from mimocode.session import Session

SHARES: tuple[Amount, ...] = ("20%", "45%", "70%")
LEAST = (2_000, 10)
"""Growth that is worth a checkpoint: tokens, and the part of the window (a tenth)."""


def is_due(session: Session, used: int, usable: int) -> bool:
    """Whether to begin one now: `used` tokens of `usable` are taken."""
    kept, wanted = progress(session), checkpoint(session)
    if kept.opening < 0:
        kept.opening = used
    off = not wanted.enabled or session.host.environ.get("MIMOCODE_DISABLE_CHECKPOINT", "").lower() in ("1", "true")
    if off or session.parent is not None or kept.writer is not None or not writable(session):
        return False
    covered = covered_by_now(session)
    if used - covered < max(LEAST[0], usable // LEAST[1]):
        return False
    return any(covered < mark <= used for mark in marks(wanted.thresholds, usable, wanted.reserved))


def covered_by_now(session: Session) -> int:
    """Tokens of this window that the newest checkpoint covers."""
    good, kept = newest(session), progress(session)
    covered = good.context if good.covers and good.window == windows(session) else 0
    return max(covered, kept.opening if windows(session) else 0)


def marks(said: list[Amount], usable: int, reserved: int | None = None) -> list[int]:
    """The thresholds in tokens, ascending. What lies in the last `reserved` tokens, if nothing is said in the last
    twentieth, counts as where that begins."""
    top = int(usable * 0.95) if reserved is None else usable - reserved
    found = {min(_amount(each, usable), top) for each in said or SHARES}
    return sorted(mark for mark in found if mark > 0)


def _amount(said: Amount, usable: int) -> int:
    if isinstance(said, int | float):
        return int(said)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmM%]?)\s*", said)
    if not found:
        return 0
    return int(float(found[1]) * {"": 1.0, "k": 1e3, "m": 1e6, "%": usable / 100}[found[2].lower()])
