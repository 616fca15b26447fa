"""The `dream` section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Dream:
    """Whether memory is tidied by itself, how often, and what a model may use for it."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    auto: bool | None = None
    """None: yes."""
    interval_days: float = 7
    idle_minutes: float = 2
    """How long nothing may have happened before it begins by itself."""
    model: str = ""
    """"provider/model"; empty: the small model, and without one no model at all."""
    tokens: int = 60_000
    """What one run may use."""
