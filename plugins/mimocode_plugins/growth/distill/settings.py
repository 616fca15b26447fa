"""The `distill` section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Distill:
    """Whether repeated work is looked for by itself, and how often."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    auto: bool | None = None
    """None: yes. What is found is only named; nothing is written without the user's word."""
    interval_days: float = 30
    idle_minutes: float = 3
