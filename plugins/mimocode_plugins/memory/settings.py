"""The shape of the setting `memory`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class Memory:
    """Whether writing is off, and whether Claude Code's memory is indexed too."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    disable_write: bool = False
    cc_index: bool = False
