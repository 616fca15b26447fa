"""The `distill` section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Distill:
    """Whether repeated work is looked for by itself, how often, and what a model may use to put it into words."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    auto: bool | None = None
    """None: yes. What is found is only named; nothing is written without the user's word."""
    interval_days: float = 30
    idle_minutes: float = 3
    model: str = ""
    """"provider/model"; empty: the small model, and without one no model at all when it looks by itself."""
    tokens: int = 30_000
    """What one run may use."""
