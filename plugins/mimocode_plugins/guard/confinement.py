"""What a session's commands are confined to, for guards that need not ask about what cannot happen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mimocode.ports import StashKey

if TYPE_CHECKING:
    from mimocode.session import Session


@dataclass(frozen=True)
class Confined:
    """A sandbox that holds: which one, and what of the network its commands reach."""

    rung: str
    network: Literal["off", "listed", "open"]
    private: tuple[Path, ...] = ()
    """Directories that these commands have to themselves, whatever lies there for everybody else."""
    shown: tuple[Path, ...] = ()
    """What they see in there all the same."""

    def alone(self, real: Path) -> bool:
        """Whether a path means something that only these commands have."""
        inside = any(real == each or each in real.parents for each in self.private)
        return inside and not any(real == each or each in real.parents or real in each.parents for each in self.shown)


CONFINED: StashKey[Confined] = StashKey("guard.confined")
"""In the stash of the outermost session; absent while commands run without a sandbox."""


def outermost(session: Session) -> Session:
    """The session that started this one, or whoever started that."""
    while session.parent is not None:
        session = session.parent
    return session


def confined(session: Session) -> Confined | None:
    """What holds the commands of a session; None when nothing does."""
    return outermost(session).stash.get(CONFINED)
