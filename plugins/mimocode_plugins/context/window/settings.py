"""The shape of the setting `compaction` (surface 3.2, 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from mimocode.session import Session

Amount = int | float | str
"""A number of tokens, "300K", "1.5M", or "50%" of the window."""


@dataclass
class Compaction:
    """`reserved` tokens are kept free; `max_context` only ever lowers the window; `auto` off never changes windows."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    auto: bool = True
    prune: bool = True
    tail_turns: int = 2
    preserve_recent_tokens: int | None = None
    reserved: int | None = None
    max_context: Amount | dict[str, Amount] | None = None


def compaction(session: Session) -> Compaction:
    """What the user wants."""
    settings = session.host.settings
    said = settings["compaction"] if "compaction" in settings else {}  # noqa: SIM401 - no mapping
    if isinstance(said, Mapping):
        known = {field.name for field in fields(Compaction)}
        return Compaction(**{key: value for key, value in said.items() if key in known})
    assert isinstance(said, Compaction)
    return said
