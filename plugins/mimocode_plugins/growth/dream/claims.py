"""A claim of the memory as this plugin handles it, and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

STRENGTH = {"superseded": 0, "proposed": 1, "verified": 2, "confirmed": 3}


@dataclass(frozen=True)
class Claim:
    """One thing that is remembered; fields as in `ports.Memory`. `time` is "" for what the user wrote by hand."""

    id: str
    text: str
    status: str = "proposed"
    source: str = "agent"
    evidence: str = "-"
    time: str = ""
    by: str = ""
    section: str = ""
    scope: str = "project"
    line: int = 0
    """0: not in the file yet."""
    signed: bool = False

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Claim:
        """A claim from what the memory hands over."""
        return cls(**kept)

    @property
    def raw(self) -> dict[str, Any]:
        """The claim for the memory."""
        return asdict(self)

    @property
    def by_hand(self) -> bool:
        """The user's own line: it is read and never changed, but for secrets."""
        return not self.time

    @property
    def strength(self) -> int:
        """Who stands for it: the more, the harder it is to replace."""
        return STRENGTH[self.status]

    @property
    def rank(self) -> tuple[int, int]:
        """What is kept of two that say the same."""
        return self.strength, self.source == "user"


@dataclass(frozen=True)
class Change:
    """What was done to a claim: `kind` is added, removed, merged, superseded, changed, moved or left (and why)."""

    kind: str
    text: str
    why: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text} ({self.why})"
