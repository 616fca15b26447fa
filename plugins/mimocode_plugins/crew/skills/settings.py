"""The setting `skills`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass
class Skills:
    """Where more skills come from: folders, each absolute, below `~/`, or relative to the project; and addresses."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    paths: list[str] = field(default_factory=list)
    mentions: bool = True
    """Whether a message that mentions two or more skills brings them along."""
    urls: list[str] = field(default_factory=list)
    """Addresses below which an index.json names skills and their files; a copy is kept (urls.py)."""
