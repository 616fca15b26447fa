"""The setting `skills`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Skills:
    """More folders that hold skills, each absolute, below `~/`, or relative to the project."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    paths: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    """Collections to download; understood and not fetched: a skill is instructions, install it by hand."""
