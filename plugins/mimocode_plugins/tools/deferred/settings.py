"""The setting `tool_search`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass
class ToolSearch:
    """When tools wait until they are looked for."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    enabled: bool = True
    """False: every tool is told at once."""
    budget: int = 4000
    """Tokens that the tools of MCP servers may take in every request; whole servers wait when they take more."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense; said here, because what validates costs too much at every start."""
        if self.budget < 0:
            raise ValueError("budget must not be negative")
