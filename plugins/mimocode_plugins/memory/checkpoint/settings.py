"""The shape of the setting `checkpoint` (surface 3.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mimocode.session import Session

Amount = int | float | str
"""A number of tokens, "300K", "1.5M", or "50%" of what a request may have."""


@dataclass
class PushCaps:
    """Tokens that each section may bring into a new window."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    tasks_ledger: int = 2000
    focus_task: int = 4000
    actor_ledger: int = 500
    memory_titles: int = 500
    global_: int = field(default=6000, metadata={"alias": "global"})
    checkpoint: int = 11000
    memory: int = 10000
    notes: int = 6000
    design_decisions: int = 3000
    open_notes: int = 800
    recent_user: int = 16000
    recent_user_per_msg: int = 2000


@dataclass
class Checkpoint:
    """When a checkpoint is written, by whom, and how much of it comes back.

    `thresholds` are shares of the window or numbers of tokens, none nearer to its end than `reserved`; `model` writes
    instead of the session's own, until `max_writer_failures` writers in a row brought nothing, which leaves the log;
    `fork` lets the writer begin with the conversation's own request, which pays where cached tokens are nearly free.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    enabled: bool = True
    thresholds: list[Amount] = field(default_factory=list)
    model: str | None = None
    timeout: float = 300
    reserved: int | None = None
    fork: bool = False
    task_archive_days: float = 7
    memory_reconcile_on_search: bool = True
    memory_search_score_floor: float = 0.15
    max_writer_failures: int = 3
    push_caps: PushCaps = field(default_factory=PushCaps)


def checkpoint(session: Session) -> Checkpoint:
    """What the user wants."""
    settings = session.host.settings
    said = settings["checkpoint"] if "checkpoint" in settings else {}  # noqa: SIM401 - no mapping
    if isinstance(said, Mapping):
        known = {field.name for field in fields(Checkpoint)}
        return Checkpoint(**{key: value for key, value in said.items() if key in known})
    assert isinstance(said, Checkpoint)
    return said
