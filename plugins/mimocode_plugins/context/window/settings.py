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
    """`reserved` tokens are kept free; `max_context` only ever lowers the window; `auto` off never changes windows.

    What goes over into a new window as it is: `tail_turns` turns of the user at most, as many as there is room for when
    it is not set; and of those `preserve_recent_tokens`. `prune` has no effect: what a tool said stays until a new
    window, since taking it out earlier would cost the provider's cache of everything after it.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    auto: bool = True
    prune: bool = True
    tail_turns: int | None = None
    preserve_recent_tokens: int | None = None
    reserved: int | None = None
    max_context: Amount | dict[str, Amount] | None = None


@dataclass(frozen=True)
class Heard:
    """Tokens of the user's earlier words in a new window: of all together, and of one message."""

    all: int = 16_000
    each: int = 2_000


def heard(session: Session) -> Heard:
    """`checkpoint.push_caps.recent_user` and `recent_user_per_msg` (surface 3.4)."""
    settings = session.host.settings
    said = settings["checkpoint"] if "checkpoint" in settings else None  # noqa: SIM401 - no mapping
    caps = getattr(said, "push_caps", None)
    usual = Heard()
    return Heard(getattr(caps, "recent_user", usual.all), getattr(caps, "recent_user_per_msg", usual.each))


def compaction(session: Session) -> Compaction:
    """What the user wants."""
    settings = session.host.settings
    said = settings["compaction"] if "compaction" in settings else {}  # noqa: SIM401 - no mapping
    if isinstance(said, Mapping):
        known = {field.name for field in fields(Compaction)}
        return Compaction(**{key: value for key, value in said.items() if key in known})
    assert isinstance(said, Compaction)
    return said
